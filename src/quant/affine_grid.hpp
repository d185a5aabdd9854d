#pragma once

#include <algorithm>
#include <cstdint>

#include "nq/quant_params.hpp"

namespace nq {

/// Per-tensor quantizer in the form that vectorizes: code limits relative to the zero point.
struct AffineGrid {
  float scale = 1;
  float lowest = 0;   ///< qmin - zero_point
  float highest = 0;  ///< qmax - zero_point

  bool operator==(const AffineGrid&) const = default;
};

/// Grid of entry `index` of the parameters.
inline AffineGrid affine_grid(const QuantParams& params, std::size_t index = 0) {
  const std::int32_t zero = params.zero_point[index];
  return {params.scale[index], static_cast<float>(params.qmin() - zero),
          static_cast<float>(params.qmax() - zero)};
}

/// round_half_even(x / scale) clamped to the grid, as a float integer; NaN gives the lowest.
///
/// Clamping before rounding is the same function, because both limits are integers; it bounds
/// the value so that adding and subtracting 1.5 * 2^23 rounds to nearest even exactly, and turns
/// a negative zero into zero as an integer code would.
inline float grid_code(float x, const AffineGrid& grid) noexcept {
  constexpr float kRound = 12582912.0F;
  const float steps = x / grid.scale;
  const float raised = steps > grid.lowest ? steps : grid.lowest;  // false for NaN
  const float within = std::min(raised, grid.highest);
  return (within + kRound) - kRound;
}

/// dequantize(quantize(x)) of one value.
inline float grid_round(float x, const AffineGrid& grid) noexcept { return grid_code(x, grid) * grid.scale; }

}  // namespace nq
