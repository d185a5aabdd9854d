#include "pipeline/statistics.hpp"

#include <catch2/catch.hpp>

#include "core/rng.hpp"

using namespace nq;

TEST_CASE("quantiles of the normal distribution", "[pipeline][statistics]") {
  CHECK(normal_quantile(0.5) == Approx(0.0).margin(1e-12));
  CHECK(normal_quantile(0.975) == Approx(1.959963984540054).epsilon(1e-11));
  CHECK(normal_quantile(0.01) == Approx(-2.3263478740408408).epsilon(1e-11));
}

TEST_CASE("Wilson's interval", "[pipeline][statistics]") {
  // 81 of 263 at 95 %: Newcombe (1998), table I.
  const Interval known = wilson_interval(81, 263, 0.95);
  CHECK(known.low == Approx(0.2553).margin(5e-5));
  CHECK(known.high == Approx(0.3662).margin(5e-5));
  CHECK(wilson_interval(0, 20, 0.95).low == 0.0);
  CHECK(wilson_interval(0, 20, 0.95).high == Approx(0.1611).margin(5e-5));
  CHECK(wilson_interval(0, 0, 0.95).high == 1.0);
}

TEST_CASE("the exact McNemar test", "[pipeline][statistics]") {
  CHECK(mcnemar_p_value(0, 0) == 1.0);
  CHECK(mcnemar_p_value(5, 5) == 1.0);
  // One against nine: 2 (1 + 10) / 1024.
  CHECK(mcnemar_p_value(1, 9) == Approx(22.0 / 1024.0));
  CHECK(mcnemar_p_value(9, 1) == mcnemar_p_value(1, 9));
  CHECK(mcnemar_p_value(20000, 21000) == Approx(8e-7).epsilon(0.1));
}

TEST_CASE("intervals hold what they promise", "[pipeline][statistics]") {
  // Coverage of 95 % intervals over seeded experiments; 3 standard deviations of 1000 draws are 2.1 points.
  RandomStream random(1, "coverage");
  int fraction = 0;
  int paired = 0;
  int mean = 0;
  for (int draw = 0; draw < 1000; ++draw) {
    std::int64_t hits = 0;
    std::int64_t lost = 0;
    std::int64_t gained = 0;
    double sum = 0;
    double squares = 0;
    for (int k = 0; k < 300; ++k) {
      hits += random.uniform() < 0.8 ? 1 : 0;
      const double side = random.uniform();
      lost += side < 0.05 ? 1 : 0;
      gained += side > 0.98 ? 1 : 0;
      const double value = random.normal() + 2.0;
      sum += value;
      squares += value * value;
    }
    const auto covers = [](Interval interval, double truth) { return interval.low <= truth && truth <= interval.high; };
    fraction += covers(wilson_interval(hits, 300, 0.95), 0.8) ? 1 : 0;
    paired += covers(paired_interval(lost, gained, 300, 0.95), 0.03) ? 1 : 0;
    mean += covers(mean_interval(sum, squares, 300, 0.95), 2.0) ? 1 : 0;
  }
  for (const int covered : {fraction, paired, mean}) {
    CHECK(covered >= 929);
    CHECK(covered <= 980);
  }
}
