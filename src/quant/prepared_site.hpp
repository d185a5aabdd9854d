#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nq/method.hpp"
#include "quant/dense.hpp"

namespace nq {

/// Which token rows a copy of a site takes.
enum class RowSet {
  all,
  fitting,   ///< of the images that fit, or three rows of every four
  held_out,  ///< of the images that judge (SiteInput::held_out), or every fourth row
};

/// A site as its quantized product sees it: inputs divided by the channel scale and weights
/// multiplied by it, outlier channels set to zero in both. Owns its values.
///
/// What the outlier channels add is exact and leaves the error unchanged, so a search on the
/// prepared site needs to know nothing of either.
class PreparedSite {
 public:
  /// `channel_scale` [c_in] or empty. Takes every readout row of the set, and `max_rows` evenly
  /// spaced ones of the others, with the weight of those left out.
  PreparedSite(const SiteInput& site, RowSet set, std::int64_t max_rows, std::vector<float> channel_scale,
               std::vector<std::int32_t> outlier_channels);
  PreparedSite(const PreparedSite&) = delete;
  PreparedSite& operator=(const PreparedSite&) = delete;

  const SiteInput& input() const noexcept { return input_; }
  const std::vector<float>& channel_scale() const noexcept { return channel_scale_; }
  const std::vector<std::int32_t>& outlier_channels() const noexcept { return outlier_channels_; }

 private:
  void scale_channels();
  void silence_outliers();

  RowMatrix rows_;
  std::vector<float> row_weight_;
  std::vector<float> channel_min_;
  std::vector<float> channel_max_;
  RowMatrix weight_;
  std::vector<float> channel_scale_;
  std::vector<std::int32_t> outlier_channels_;
  SiteInput input_;
};

}  // namespace nq
