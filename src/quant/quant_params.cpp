#include "nq/quant_params.hpp"

#include <cmath>

#include "core/check.hpp"
#include "quant/affine_grid.hpp"

namespace nq {

std::int32_t QuantParams::qmin() const noexcept {
  if (!is_signed) return 0;
  return -(std::int32_t{1} << (bits - 1)) + (narrow ? 1 : 0);
}

std::int32_t QuantParams::qmax() const noexcept {
  return (std::int32_t{1} << (is_signed ? bits - 1 : bits)) - 1;
}

std::int32_t quantize(float x, float scale, std::int32_t zero_point, std::int32_t qmin, std::int32_t qmax) {
  const float steps = x / scale;
  if (std::isnan(steps)) return qmin;
  const float lowest = static_cast<float>(qmin - zero_point);
  const float highest = static_cast<float>(qmax - zero_point);
  return static_cast<std::int32_t>(std::nearbyint(std::clamp(steps, lowest, highest))) + zero_point;
}

float dequantize(std::int32_t code, float scale, std::int32_t zero_point) {
  return static_cast<float>(code - zero_point) * scale;
}

void fake_quant(std::span<const float> x, const QuantParams& params, std::span<float> out) {
  NQ_ASSERT(x.size() == out.size() && params.scale.size() == 1 && params.zero_point.size() == 1);
  const AffineGrid grid = affine_grid(params);
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = grid_round(x[i], grid);
}

}  // namespace nq
