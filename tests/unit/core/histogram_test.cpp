#include "nq/histogram.hpp"

#include <catch2/catch.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/rng.hpp"

using namespace nq;

namespace {

std::vector<float> normal_values(std::size_t count, double scale) {
  RandomStream stream(7, "histogram");
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(scale * stream.normal());
  return values;
}

Histogram histogram_of(const std::vector<float>& values, std::size_t piece, std::int64_t bins) {
  HistogramBuilder builder(bins);
  for (std::size_t first = 0; first < values.size(); first += piece) {
    builder.add(std::span(values).subspan(first, std::min(piece, values.size() - first)));
  }
  return builder.histogram();
}

}  // namespace

TEST_CASE("every value lies in the bin that counts it") {
  const std::vector<float> values = normal_values(5000, 3.0);
  const Histogram histogram = histogram_of(values, 100, 64);
  REQUIRE(histogram.counts.size() <= 64);
  REQUIRE(histogram.total() == 5000);
  REQUIRE(histogram.counts.front() > 0);
  REQUIRE(histogram.counts.back() > 0);
  for (std::size_t k = 0; k < histogram.counts.size(); ++k) {
    const double low = histogram.low() + histogram.width() * static_cast<double>(k);
    const auto inside = std::count_if(values.begin(), values.end(), [&](float value) {
      return static_cast<double>(value) >= low && static_cast<double>(value) < low + histogram.width();
    });
    REQUIRE(histogram.counts[k] == inside);
  }
}

TEST_CASE("a histogram does not depend on the order of its values") {
  std::vector<float> values = normal_values(3000, 0.01);
  values.push_back(250.0F);  // far outside, late in one order and first in the other
  const Histogram expected = histogram_of(values, 17, 100);
  std::reverse(values.begin(), values.end());
  REQUIRE(histogram_of(values, 401, 100) == expected);
}

TEST_CASE("extreme and equal values keep their bins") {
  const Histogram zeros = histogram_of({0.0F, 0.0F, 0.0F}, 1, 10);
  REQUIRE(zeros.counts == std::vector<std::int64_t>{3});
  const Histogram wide = histogram_of({-3e38F, 0.0F, 1e-45F, 3e38F}, 2, 10);
  REQUIRE(wide.total() == 4);
  REQUIRE(wide.counts.size() <= 10);
  HistogramBuilder builder;
  builder.add(std::vector<float>{std::numeric_limits<float>::quiet_NaN(), INFINITY, 1.0F});
  REQUIRE(builder.not_finite() == 2);
  REQUIRE(builder.histogram().total() == 1);
}

TEST_CASE("coarser bins hold the same counts, and aligned histograms share a width") {
  Histogram fine = histogram_of(normal_values(4000, 1.0), 100, 512);
  const Histogram coarse = with_at_most(fine, 20);
  REQUIRE(coarse.counts.size() <= 20);
  REQUIRE(coarse.total() == fine.total());
  REQUIRE(coarse == coarsened(fine, coarse.exponent));
  Histogram wide = histogram_of(normal_values(4000, 40.0), 100, 512);
  Histogram empty;
  Histogram* const all[] = {&fine, &wide, &empty};
  align(all, 32);
  REQUIRE(fine.exponent == wide.exponent);
  REQUIRE(wide.counts.size() <= 32);
  REQUIRE(fine.total() == 4000);
  REQUIRE(empty.counts.empty());
}
