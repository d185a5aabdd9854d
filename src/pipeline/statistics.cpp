#include "pipeline/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace nq {
namespace {

double two_sided_quantile(double confidence) { return normal_quantile(0.5 + 0.5 * confidence); }

}  // namespace

double normal_quantile(double probability) {
  double low = -40;
  double high = 40;
  while (high - low > 1e-13 * std::max(1.0, std::abs(low))) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (0.5 * std::erfc(-middle / std::numbers::sqrt2) < probability ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

Interval wilson_interval(std::int64_t successes, std::int64_t trials, double confidence) {
  if (trials == 0) return {0, 1};
  const double z = two_sided_quantile(confidence);
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

Interval paired_interval(std::int64_t lost, std::int64_t gained, std::int64_t trials, double confidence) {
  if (trials == 0) return {-1, 1};
  const auto n = static_cast<double>(trials) + 2.0;
  const double b = static_cast<double>(lost) + 0.5;
  const double c = static_cast<double>(gained) + 0.5;
  const double difference = (b - c) / n;
  const double half = two_sided_quantile(confidence) * std::sqrt((b + c) / n - difference * difference) / std::sqrt(n);
  return {std::max(-1.0, difference - half), std::min(1.0, difference + half)};
}

double mcnemar_p_value(std::int64_t lost, std::int64_t gained) {
  const auto n = static_cast<double>(lost + gained);
  double tail = 0;
  for (std::int64_t k = 0; k <= std::min(lost, gained); ++k) {
    const auto hits = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(hits + 1) - std::lgamma(n - hits + 1) - n * std::numbers::ln2);
  }
  return std::min(1.0, 2.0 * tail);
}

Interval mean_interval(double sum, double sum_of_squares, std::int64_t n, double confidence) {
  constexpr double unbounded = std::numeric_limits<double>::infinity();
  if (n < 2) return {-unbounded, unbounded};
  const auto count = static_cast<double>(n);
  const double mean = sum / count;
  const double variance = std::max(0.0, (sum_of_squares - sum * mean) / (count - 1));
  const double half = two_sided_quantile(confidence) * std::sqrt(variance / count);
  return {mean - half, mean + half};
}

}  // namespace nq
