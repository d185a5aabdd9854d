#pragma once

#include <cstdint>
#include <span>

#include "nq/method.hpp"
#include "quant/affine_grid.hpp"
#include "quant/dense.hpp"

namespace nq {

/// Sampled values of every channel in channel order, with their moments and extremes.
class ChannelSamples {
 public:
  explicit ChannelSamples(const SiteInput& site);

  std::int64_t channels() const noexcept { return values_.rows(); }
  std::span<const float> values(std::int64_t channel) const;
  std::span<const float> weights() const noexcept { return weights_; }
  double low(std::int64_t channel) const noexcept { return low_[static_cast<std::size_t>(channel)]; }
  double high(std::int64_t channel) const noexcept { return high_[static_cast<std::size_t>(channel)]; }
  double mean(std::int64_t channel) const noexcept { return mean_[static_cast<std::size_t>(channel)]; }
  double deviation(std::int64_t channel) const noexcept {
    return deviation_[static_cast<std::size_t>(channel)];
  }
  double total_weight() const noexcept { return total_weight_; }

 private:
  RowMatrix values_;  ///< [c_in, rows]
  std::vector<float> weights_;
  double total_weight_ = 0;
  std::vector<double> low_, high_;  ///< over all calibration tokens
  std::vector<double> mean_, deviation_;
};

/// One channel's noisy bias and the variance of its quantization error, which is what a bias
/// correction leaves.
struct OffsetChoice {
  float offset = 0;
  double variance = 0;
};

/// Best noisy bias of one channel for a given grid.
///
/// Where the channel's range fits the grid: its middle is moved to the middle of the codes, and
/// when the channel's deviation is small against a step, on to the phase at which the rounding
/// boundaries cut the values with the least variance (exact cut of the circle of residues, on a
/// histogram). Where it does not fit: the placement of the window, from the lower to the upper
/// edge and around the mean, that has the least variance with clipping.
///
/// `placement` holds the best of those from edge to edge at a similar scale, from which the search
/// climbs, or kAnyPlacement to try all; it is left as it is where the channel's range fits.
OffsetChoice best_offset(const ChannelSamples& samples, std::int64_t channel, const AffineGrid& grid, int& placement);

inline constexpr int kAnyPlacement = -1;

/// Variance of grid_round(x + offset) - x over the channel's samples.
double error_variance(const ChannelSamples& samples, std::int64_t channel, const AffineGrid& grid,
                      float offset);

}  // namespace nq
