#include "pipeline/image_metrics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nq {
namespace {

/// log sum exp and the largest entry.
double log_sum_exp(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return largest + std::log(sum);
}

}  // namespace

LogitDistance logit_distance(std::span<const float> reference, std::span<const float> other) {
  LogitDistance distance;
  double product = 0;
  double other_power = 0;
  const double reference_log = log_sum_exp(reference);
  const double other_log = log_sum_exp(other);
  for (std::size_t k = 0; k < reference.size(); ++k) {
    const double a = reference[k];
    const double b = other[k];
    distance.squared_difference += (b - a) * (b - a);
    distance.squared_reference += a * a;
    other_power += b * b;
    product += a * b;
    distance.kl += std::exp(a - reference_log) * ((a - reference_log) - (b - other_log));
  }
  const double norm = std::sqrt(distance.squared_reference) * std::sqrt(other_power);
  distance.cosine = norm > 0 ? product / norm : (distance.squared_difference == 0 ? 1.0 : 0.0);
  distance.kl = std::max(0.0, distance.kl);
  return distance;
}

void SignalAndNoise::add(std::span<const float> reference, std::span<const float> other) {
  double signal_sum = 0;
  double noise_sum = 0;
  for (std::size_t k = 0; k < reference.size(); ++k) {
    const double a = reference[k];
    const double difference = static_cast<double>(other[k]) - a;
    signal_sum += a * a;
    noise_sum += difference * difference;
  }
  signal += signal_sum;
  noise += noise_sum;
}

double SignalAndNoise::sqnr_db() const {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  return 10.0 * std::log10(signal / noise);
}

}  // namespace nq
