#include "quant/transposed.hpp"

#include <algorithm>

namespace nq {

RowMatrix transposed(const MatrixView& matrix) {
  constexpr std::int64_t kBlock = 16;
  RowMatrix out(matrix.cols, matrix.rows);
  for (std::int64_t first = 0; first < matrix.rows; first += kBlock) {
    const std::int64_t count = std::min(kBlock, matrix.rows - first);
    const float* const block = matrix.row(first);
    for (std::int64_t col = 0; col < matrix.cols; ++col) {
      float* const to = out.data() + col * matrix.rows + first;
      for (std::int64_t row = 0; row < count; ++row) to[row] = block[row * matrix.stride + col];
    }
  }
  return out;
}

}  // namespace nq
