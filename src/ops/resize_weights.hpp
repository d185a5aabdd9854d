#pragma once

#include <cstdint>
#include <vector>

#include "nq/op.hpp"
#include "ops/resize_geometry.hpp"

namespace nq {

/// Interpolation along axes that are filtered rather than picked from.
struct ResizeFilter {
  bool cubic = false;            ///< else linear
  double cubic_a = -0.75;        ///< Keys' coefficient
  bool antialias = false;        ///< widen the filter when downsampling
  bool exclude_outside = false;  ///< drop weights outside the input instead of repeating its ends
};

/// Filter of a Resize or Upsample whose mode is linear or cubic.
ResizeFilter resize_filter(const OpContext& context);

/// Output element k of one axis is the sum over j < count[k] of weights[k * taps + j] * in[first[k] + j].
struct ResizeWeights {
  std::int64_t taps = 0;
  std::vector<std::int64_t> first;
  std::vector<std::int32_t> count;  ///< 0 where the extrapolation value is taken
  std::vector<double> weights;
};

/// Throws Error(resource) when the table would be unreasonably large.
ResizeWeights resize_weights(const ResizeAxis& axis, ResizeCoordinates mode, const ResizeFilter& filter);

}  // namespace nq
