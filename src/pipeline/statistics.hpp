#pragma once

#include <cstdint>

namespace nq {

/// A two-sided interval.
struct Interval {
  double low = 0;
  double high = 0;
};

/// Point below which a standard normal variable lies with `probability` in (0, 1), to 1e-12.
double normal_quantile(double probability);

/// Interval for a fraction of which `successes` of `trials` were seen (Wilson 1927); [0, 1] without trials.
Interval wilson_interval(std::int64_t successes, std::int64_t trials, double confidence);

/// Interval for the difference of two paired fractions, (lost - gained) / trials, where `lost` and `gained` count
/// the pairs that differ one way and the other (Agresti and Min 2005: half a pair added to each of the four
/// cells). [-1, 1] without trials.
Interval paired_interval(std::int64_t lost, std::int64_t gained, std::int64_t trials, double confidence);

/// Two-sided p-value of the exact McNemar test: that pairs which differ go either way with the same probability.
double mcnemar_p_value(std::int64_t lost, std::int64_t gained);

/// Interval for a mean from the sums of n values and of their squares (normal approximation); unbounded below
/// two values.
Interval mean_interval(double sum, double sum_of_squares, std::int64_t n, double confidence);

}  // namespace nq
