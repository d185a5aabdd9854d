#include "quant/offset_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "quant/transposed.hpp"

namespace nq {
namespace {

constexpr int kPhaseBins = 64;
constexpr int kWindows = 6;
// Above half a step of deviation the variance is step^2 / 12 within 2 % at any phase.
constexpr double kPhaseDeviation = 0.5;

/// Offset that puts the middle of [low, high] in the middle of the grid.
double centre_offset(const ChannelSamples& samples, std::int64_t channel, const AffineGrid& grid) {
  const double middle = 0.5 * (samples.low(channel) + samples.high(channel));
  const double grid_middle = 0.5 * static_cast<double>(grid.scale) *
                             (static_cast<double>(grid.lowest) + static_cast<double>(grid.highest));
  return grid_middle - middle;
}

/// Weights of the fractional positions of x / step on the circle [0, 1).
std::array<double, kPhaseBins> phase_histogram(const ChannelSamples& samples, std::int64_t channel,
                                               float step) {
  std::array<double, kPhaseBins> bins{};
  const std::span<const float> values = samples.values(channel);
  const std::span<const float> weights = samples.weights();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float steps = values[i] / step;
    const int bin = static_cast<int>((steps - std::floor(steps)) * kPhaseBins);
    bins[static_cast<std::size_t>(std::clamp(bin, 0, kPhaseBins - 1))] += static_cast<double>(weights[i]);
  }
  return bins;
}

struct Cut {
  double position = 0;  ///< in [0, 1): where the circle is cut
  double variance = 0;  ///< of the positions counted from the cut, in steps^2
};

/// Cutting before bin j moves the bins below it one turn up; the best cut has the least variance,
/// and lies in the middle of the run of cuts that share it.
Cut best_cut(const std::array<double, kPhaseBins>& bins, double total) {
  double sum = 0;
  double sum2 = 0;
  for (int j = 0; j < kPhaseBins; ++j) {
    const double f = (j + 0.5) / kPhaseBins;
    sum += bins[static_cast<std::size_t>(j)] * f;
    sum2 += bins[static_cast<std::size_t>(j)] * f * f;
  }
  std::array<double, kPhaseBins> variance{};
  double moved = 0;
  double moved_sum = 0;
  for (int j = 0; j < kPhaseBins; ++j) {
    const double mean = (sum + moved) / total;
    variance[static_cast<std::size_t>(j)] =
        std::max(0.0, (sum2 + 2 * moved_sum + moved) / total - mean * mean);
    moved += bins[static_cast<std::size_t>(j)];
    moved_sum += bins[static_cast<std::size_t>(j)] * (j + 0.5) / kPhaseBins;
  }
  const auto best = static_cast<int>(std::min_element(variance.begin(), variance.end()) - variance.begin());
  const double least = variance[static_cast<std::size_t>(best)];
  int run = 0;
  while (run + 1 < kPhaseBins && bins[static_cast<std::size_t>((best + run) % kPhaseBins)] == 0) ++run;
  const double position = (best + 0.5 * run) / kPhaseBins;
  return {position - std::floor(position), least};
}

/// Offset nearest to `start` at which a rounding boundary falls on the cut.
double align(double start, const Cut& cut, double step) {
  // A boundary of round(x / step + offset / step) sits where that sum has fraction 1/2.
  const double wanted = 0.5 - cut.position;
  const double present = start / step;
  return step * (wanted + std::nearbyint(present - wanted));
}

OffsetChoice best_window(const ChannelSamples& samples, std::int64_t channel, const AffineGrid& grid, int& placement) {
  const double step = static_cast<double>(grid.scale);
  const double width = step * static_cast<double>(grid.highest - grid.lowest);
  const double slack = samples.high(channel) - samples.low(channel) - width;
  const double first = step * static_cast<double>(grid.lowest);
  OffsetChoice best{0, std::numeric_limits<double>::infinity()};
  const auto consider = [&](double offset) {
    const auto rounded = static_cast<float>(offset);
    const double variance = error_variance(samples, channel, grid, rounded);
    const bool better = variance < best.variance;
    if (better) best = {rounded, variance};
    return better;
  };
  const auto place = [&](int k) {
    const bool better = consider(first - (samples.low(channel) + slack * k / kWindows));
    if (better) placement = k;
    return better;
  };
  if (placement == kAnyPlacement) {
    for (int k = 0; k <= kWindows; ++k) (void)place(k);
  } else {
    const int start = placement;
    (void)place(start);
    for (int k = start - 1; k >= 0 && place(k);) --k;
    for (int k = start + 1; k <= kWindows && placement >= start && place(k);) ++k;
  }
  (void)consider(first + 0.5 * width - samples.mean(channel));
  return best;
}

/// sum w x, float32 within chunks and double between them.
template <typename Values>
double weighted_sum(const Eigen::Map<const Eigen::ArrayXf>& weights, const Values& values) {
  constexpr Eigen::Index kChunk = 256;
  double sum = 0;
  for (Eigen::Index first = 0; first < weights.size(); first += kChunk) {
    const Eigen::Index count = std::min(kChunk, weights.size() - first);
    sum += static_cast<double>((weights.segment(first, count) * values.segment(first, count)).sum());
  }
  return sum;
}

}  // namespace

ChannelSamples::ChannelSamples(const SiteInput& site)
    : values_(transposed(site.rows)),
      weights_(site.row_weight.begin(), site.row_weight.end()),
      low_(site.channel_min.begin(), site.channel_min.end()),
      high_(site.channel_max.begin(), site.channel_max.end()) {
  for (const float weight : weights_) total_weight_ += static_cast<double>(weight);
  for (std::int64_t channel = 0; channel < values_.rows(); ++channel) {
    const Eigen::Map<const Eigen::ArrayXf> x(values(channel).data(), values_.cols());
    const Eigen::Map<const Eigen::ArrayXf> w(weights_.data(), values_.cols());
    const double mean = weighted_sum(w, x) / total_weight_;
    mean_.push_back(mean);
    deviation_.push_back(std::sqrt(weighted_sum(w, (x - static_cast<float>(mean)).square()) / total_weight_));
  }
}

std::span<const float> ChannelSamples::values(std::int64_t channel) const {
  return {values_.row(channel).data(), static_cast<std::size_t>(values_.cols())};
}

double error_variance(const ChannelSamples& samples, std::int64_t channel, const AffineGrid& grid_in,
                      float offset) {
  constexpr std::size_t kChunk = 256;
  const AffineGrid grid = grid_in;
  const std::span<const float> values = samples.values(channel);
  const float* weights = samples.weights().data();
  // Errors are taken against the first sample's, so that float sums hold small numbers also where
  // the offset is large.
  const float origin = values.empty() ? 0.0F : grid_round(values[0] + offset, grid) - values[0];
  std::array<float, kChunk> error;
  double total = 0;
  double total2 = 0;
  for (std::size_t first = 0; first < values.size(); first += kChunk) {
    const std::size_t count = std::min(kChunk, values.size() - first);
    const float* x = values.data() + first;
    for (std::size_t i = 0; i < count; ++i) error[i] = grid_round(x[i] + offset, grid) - x[i] - origin;
    const Eigen::Map<const Eigen::ArrayXf> e(error.data(), static_cast<Eigen::Index>(count));
    const Eigen::Map<const Eigen::ArrayXf> w(weights + first, static_cast<Eigen::Index>(count));
    total += static_cast<double>((w * e).sum());
    total2 += static_cast<double>((w * e * e).sum());
  }
  const double mean = total / samples.total_weight();
  return std::max(0.0, total2 / samples.total_weight() - mean * mean);
}

OffsetChoice best_offset(const ChannelSamples& samples, std::int64_t channel, const AffineGrid& grid, int& placement) {
  const double step = static_cast<double>(grid.scale);
  const double width = step * static_cast<double>(grid.highest - grid.lowest);
  if (samples.high(channel) - samples.low(channel) > width) return best_window(samples, channel, grid, placement);
  const double centre = centre_offset(samples, channel, grid);
  if (samples.deviation(channel) >= kPhaseDeviation * step) {
    return {static_cast<float>(centre), step * step / 12.0};
  }
  const Cut cut = best_cut(phase_histogram(samples, channel, grid.scale), samples.total_weight());
  return {static_cast<float>(align(centre, cut, step)), cut.variance * step * step};
}

}  // namespace nq
