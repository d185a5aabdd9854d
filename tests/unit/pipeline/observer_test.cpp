#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "core/parallel.hpp"
#include "core/rng.hpp"
#include "pipeline/site_observer.hpp"
#include "support/random.hpp"

namespace nq {
namespace {

constexpr std::int64_t kChannels = 5;
constexpr std::int64_t kTokens = 40;

/// Token rows of one image.
std::vector<float> image_rows(int image) {
  return test::random_values(kTokens * kChannels, "image" + std::to_string(image),
                             1.0F + static_cast<float>(image));
}

void observe(SiteObserver& observer, int image) {
  const std::vector<float> rows = image_rows(image);
  observer.observe({rows.data(), kTokens, kChannels, kChannels}, hash_name("image" + std::to_string(image)));
}

void check_equal(const SiteStatistics& a, const SiteStatistics& b) {
  CHECK(a.rows == b.rows);
  CHECK(a.samples == b.samples);
  CHECK(a.row_weight == b.row_weight);
  CHECK(a.channel_min == b.channel_min);
  CHECK(a.channel_max == b.channel_max);
  CHECK(a.tokens == b.tokens);
}

double total_weight(const SiteStatistics& statistics) {
  return std::accumulate(statistics.row_weight.begin(), statistics.row_weight.end(), 0.0);
}

}  // namespace

TEST_CASE("below the capacity every row is kept with weight one", "[pipeline]") {
  SiteObserver observer(kChannels, 200);
  std::multiset<float> all;
  for (int image = 0; image < 5; ++image) {
    observe(observer, image);
    for (const float value : image_rows(image)) all.insert(value);
  }
  const SiteStatistics statistics = observer.finish();
  CHECK(statistics.rows == 200);
  CHECK(statistics.tokens == 200);
  CHECK(std::multiset<float>(statistics.samples.begin(), statistics.samples.end()) == all);
  CHECK(std::all_of(statistics.row_weight.begin(), statistics.row_weight.end(),
                    [](float weight) { return weight == 1; }));
}

TEST_CASE("the statistics do not depend on order, threads or split", "[pipeline]") {
  for (const std::int64_t capacity : {8, 64, 1000}) {
    SiteObserver forward(kChannels, capacity);
    for (int image = 0; image < 10; ++image) observe(forward, image);
    SiteObserver backward(kChannels, capacity);
    for (int image = 9; image >= 0; --image) observe(backward, image);
    check_equal(forward.finish(), backward.finish());
    set_num_threads(4);
    SiteObserver parallel(kChannels, capacity);
    parallel_for(0, 10, 1,
                 [&](std::int64_t image, std::int64_t) { observe(parallel, static_cast<int>(image)); });
    set_num_threads(0);
    check_equal(forward.finish(), parallel.finish());
  }
}

TEST_CASE("rows passed over because many are expected are none that would have been kept", "[pipeline]") {
  constexpr int kImages = 100;
  for (const std::int64_t capacity : {8, 64, 1000, 5000}) {
    INFO("capacity " << capacity);
    SiteObserver plain(kChannels, capacity);
    SiteObserver told(kChannels, capacity);
    told.expect(kImages * kTokens);
    for (int image = 0; image < kImages; ++image) {
      observe(plain, image);
      observe(told, image);
    }
    check_equal(told.finish(), plain.finish());
  }
  SiteObserver waiting(kChannels, 64);
  waiting.expect(std::int64_t{1} << 40);
  for (int image = 0; image < kImages; ++image) observe(waiting, image);
  CHECK(waiting.finish().rows == 64 / 8);  // the extremes
}

TEST_CASE("row weights sum to the number of tokens", "[pipeline]") {
  for (const std::int64_t capacity : {1, 7, 8, 9, 64, 100, 399, 400, 401}) {
    INFO("capacity " << capacity);
    SiteObserver observer(kChannels, capacity);
    for (int image = 0; image < 10; ++image) observe(observer, image);
    const SiteStatistics statistics = observer.finish();
    CHECK(statistics.tokens == 400);
    CHECK(total_weight(statistics) == Approx(400).epsilon(1e-5));
    CHECK(statistics.rows <= capacity + capacity / 8);
    CHECK(static_cast<std::int64_t>(statistics.samples.size()) == statistics.rows * kChannels);
  }
}

TEST_CASE("rows of read tokens are kept, marked, and stand for their own kind", "[pipeline]") {
  for (const std::int64_t capacity : {16, 80, 400}) {
    INFO("capacity " << capacity);
    std::vector<std::uint8_t> readout(kTokens, 0);
    readout[0] = 1;
    SiteObserver observer(kChannels, capacity, readout);
    for (int image = 0; image < 10; ++image) observe(observer, image);
    const SiteStatistics statistics = observer.finish();
    REQUIRE(static_cast<std::int64_t>(statistics.readout.size()) == statistics.rows);
    double read_weight = 0;
    std::int64_t read_rows = 0;
    for (std::size_t row = 0; row < statistics.readout.size(); ++row) {
      if (statistics.readout[row] == 0) continue;
      ++read_rows;
      read_weight += static_cast<double>(statistics.row_weight[row]);
    }
    CHECK(read_rows >= std::min<std::int64_t>(10, capacity / 16));
    CHECK(read_weight == Approx(10).epsilon(1e-5));
    CHECK(total_weight(statistics) == Approx(400).epsilon(1e-5));
  }
}

TEST_CASE("extremes cover all tokens and the largest row is always kept", "[pipeline]") {
  SiteObserver observer(kChannels, 16);
  std::vector<float> low(kChannels, INFINITY);
  std::vector<float> high(kChannels, -INFINITY);
  float largest = 0;
  for (int image = 0; image < 10; ++image) {
    observe(observer, image);
    const std::vector<float> rows = image_rows(image);
    for (std::size_t at = 0; at < rows.size(); ++at) {
      low[at % kChannels] = std::min(low[at % kChannels], rows[at]);
      high[at % kChannels] = std::max(high[at % kChannels], rows[at]);
      largest = std::max(largest, std::fabs(rows[at]));
    }
  }
  const SiteStatistics statistics = observer.finish();
  CHECK(statistics.channel_min == low);
  CHECK(statistics.channel_max == high);
  const auto holds = [largest](float value) { return std::fabs(value) == largest; };
  CHECK(std::any_of(statistics.samples.begin(), statistics.samples.end(), holds));
}

TEST_CASE("the sampled rows are a fair share of every image", "[pipeline]") {
  SiteObserver observer(1, 1000);
  for (int image = 0; image < 10; ++image) {
    const std::vector<float> rows(1000, static_cast<float>(image));
    observer.observe({rows.data(), 1000, 1, 1}, hash_name("image" + std::to_string(image)));
  }
  const SiteStatistics statistics = observer.finish();
  for (int image = 0; image < 9; ++image) {
    const auto count =
        std::count(statistics.samples.begin(), statistics.samples.end(), static_cast<float>(image));
    // 100 expected, standard deviation below 10.
    CHECK(count > 50);
    CHECK(count < 150);
  }
}

TEST_CASE("a value that is no number shows in the extremes, kept or not, in any order", "[pipeline]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const int at : {0, 39}) {
    SiteObserver observer(kChannels, 8);
    std::vector<float> rows = image_rows(0);
    rows[static_cast<std::size_t>(at) * kChannels + 2] = nan;
    observer.observe({rows.data(), kTokens, kChannels, kChannels}, hash_name("odd"));
    observe(observer, 1);
    SiteObserver sum(kChannels, 8);
    observe(sum, 2);
    sum.add(observer.totals());
    for (const SiteObserver* each : {&observer, &sum}) {
      CHECK(std::isnan(each->totals().channel_min[2]));
      CHECK(std::isnan(each->totals().channel_max[2]));
      CHECK(std::isfinite(each->totals().channel_max[1]));
    }
  }
}

}  // namespace nq
