#include "quant/row_products.hpp"

#include <algorithm>

#include "core/parallel.hpp"

namespace nq {
namespace {

constexpr std::int64_t kColumnBlock = 96;
constexpr std::int64_t kRowChunk = 512;

MatrixView view_of(const RowMatrix& matrix) { return {matrix.data(), matrix.rows(), matrix.cols(), matrix.cols()}; }

kernels::StridedMatrix strided(const MatrixView& view) { return {view.data, view.rows, view.cols, view.stride, 1}; }

/// Columns [first, last) of a view.
MatrixView column_range(const MatrixView& view, std::int64_t first, std::int64_t last) {
  return {view.data + first, view.rows, last - first, view.stride};
}

}  // namespace

void add_transposed_product(const MatrixView& a, const MatrixView& b, float* out, Eigen::Index out_stride) {
  RowMatrix chunk(a.cols, b.cols);
  Eigen::Map<RowMatrix, 0, Eigen::OuterStride<>> sum(out, a.cols, b.cols, Eigen::OuterStride<>(out_stride));
  for (std::int64_t row = 0; row < a.rows; row += kRowChunk) {
    const std::int64_t last = std::min(row + kRowChunk, a.rows);
    const kernels::PackedMatrix packed(strided(row_range(b, row, last)));
    kernels::gemm_serial(strided(row_range(a, row, last)).transposed(), packed.data(), b.cols, chunk.data(), b.cols);
    sum += chunk;
  }
}

RowMatrix transposed_product(const RowMatrix& a, const RowMatrix& b) {
  RowMatrix result = RowMatrix::Zero(a.cols(), b.cols());
  parallel_for(0, b.cols(), kColumnBlock, [&](std::int64_t first, std::int64_t last) {
    add_transposed_product(view_of(a), column_range(view_of(b), first, last), result.data() + first, result.cols());
  });
  return result;
}

RowMatrix product_serial(const RowMatrix& a, const kernels::PackedMatrix& b) {
  RowMatrix result(a.rows(), b.cols());
  kernels::gemm_serial(strided(view_of(a)), b.data(), b.cols(), result.data(), result.cols());
  return result;
}

RowMatrix product(const RowMatrix& a, const RowMatrix& b) {
  RowMatrix result(a.rows(), b.cols());
  kernels::gemm(strided(view_of(a)), kernels::PackedMatrix(strided(view_of(b))), result.data(), result.cols());
  return result;
}

}  // namespace nq
