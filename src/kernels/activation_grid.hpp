#pragma once

#include <cstdint>

#include "kernels/isa/kernel_table.hpp"

namespace nq::kernels {

/// Integer grid of an activation: value = clamp(round(x / scale) + zero_point, qmin, qmax).
///
/// Products with dot-product instructions read activations as uint8; codes of signed grids are stored moved up by 128.
struct ActivationGrid {
  float scale = 1.0F;
  std::int32_t zero_point = 0;
  std::int32_t qmin = 0, qmax = 255;  ///< within [0, 255] or within [-128, 127]
};

/// The zero_point of the stored codes.
std::int32_t stored_zero(const ActivationGrid& grid) noexcept;

/// Quantizes to stored codes. Throws Error(internal) for a grid outside its limits.
QuantizeRow stored_quantizer(const ActivationGrid& grid);

/// Stored codes [rows, width] of x [rows, cols], whose rows are `stride` apart; zeros from `cols` on.
void quantize_rows(const QuantizeRow& grid, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols,
                   std::uint8_t* codes, std::int64_t width);

}  // namespace nq::kernels
