#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nq/quant_params.hpp"
#include "nq/tensor.hpp"

namespace nq {

/// Smallest scale that a quantizer gets (2^-40): the product of two scales stays a normal float32
/// and x / scale stays finite, also for an all-zero tensor.
inline constexpr float kMinScale = 0x1.0p-40F;

/// max(scale, kMinScale); also replaces NaN.
float sane_scale(double scale) noexcept;

/// Signed, zero point 0, codes [-2^(b-1), 2^(b-1)-1]: scale = absmax / (2^(b-1)-1).
QuantParams symmetric_activation(double absmax, int bits);

/// Unsigned, codes [0, 2^b-1]: scale = (high - low) / (2^b-1), zero_point = round(-low / scale).
/// The range is first widened to contain 0, so the zero point is always a code.
QuantParams asymmetric_activation(double low, double high, int bits);

/// Either of the two for the range [low, high].
QuantParams activation_params(double low, double high, int bits, bool symmetric);

/// Signed narrow parameters along axis 1 of [c_in, c_out]: scale[o] = max|w[:, o]| / (2^(b-1)-1).
QuantParams absmax_weight(const MatrixView& weight, int bits);

/// quantize() of every entry, [c_in, c_out] row-major. `params` has axis 1.
std::vector<WeightCode> weight_codes(const MatrixView& weight, const QuantParams& params);

/// codes * scale in float32, [c_in, c_out] row-major.
std::vector<float> dequantize_weight(std::span<const WeightCode> codes, const QuantParams& params);

}  // namespace nq
