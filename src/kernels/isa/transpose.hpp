#pragma once

// Transposing copies for packing. Include after exactly one lanes_*.hpp.

namespace nq::kernels {
namespace {

/// target[k * stride + row] = source[row * row_stride + k] for k < depth and rows <= 16.
///
/// Whole vectors are stored in rising k: lanes from `rows` on become zero where the stride leaves
/// room for them, and the last store may reach 16 lanes past the start of the last target row.
void transpose_rows(const float* source, std::int64_t row_stride, std::int64_t rows, std::int64_t depth,
                    float* target, std::int64_t stride) {
  std::int64_t k = 0;
  for (; k + 16 <= depth; k += 16) transpose_step(source + k, row_stride, rows, target + k * stride, stride);
  const std::int64_t lanes = stride < 16 ? rows : 16;
  for (; k < depth; ++k) {
    for (std::int64_t row = 0; row < lanes; ++row) {
      target[k * stride + row] = row < rows ? source[row * row_stride + k] : 0.0F;
    }
  }
}

}  // namespace
}  // namespace nq::kernels
