#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nq {

/// Most bits of a quantizer in the library. The command line and recipe files stop at 8, which is what integer kernels
/// take; 16 bits show what everything but the rounding does.
inline constexpr int kMaxBits = 16;

/// Code of a weight.
using WeightCode = std::int16_t;

/// Affine quantizer parameters: real = (code - zero_point) * scale.
///
/// One scale for the whole tensor (`axis` -1) or one per index of `axis`. The code range follows
/// from `bits` and `is_signed`; it is never stored.
struct QuantParams {
  int bits = 8;           ///< 2..kMaxBits
  bool is_signed = true;  ///< signed: [-2^(b-1), 2^(b-1)-1]; unsigned: [0, 2^b-1]
  /// Signed and symmetric around zero: the lowest code is left out, [-(2^(b-1)-1), 2^(b-1)-1].
  bool narrow = false;
  int axis = -1;
  std::vector<float> scale;
  std::vector<std::int32_t> zero_point;

  std::int32_t qmin() const noexcept;
  std::int32_t qmax() const noexcept;
  bool per_channel() const noexcept { return axis >= 0; }
};

/// code = clamp(round_half_even(x / scale) + zero_point, qmin, qmax), as ONNX QuantizeLinear
/// (opset 13) preceded by Clip below 8 bits. `x / scale` is a true float32 division. NaN maps
/// to qmin.
std::int32_t quantize(float x, float scale, std::int32_t zero_point, std::int32_t qmin, std::int32_t qmax);

/// (code - zero_point) * scale in float32, as ONNX DequantizeLinear (opset 13).
float dequantize(std::int32_t code, float scale, std::int32_t zero_point);

/// out = dequantize(quantize(x)) with per-tensor parameters. Sizes must agree; may alias.
void fake_quant(std::span<const float> x, const QuantParams& params, std::span<float> out);

}  // namespace nq
