#pragma once

#include "kernels/gemm.hpp"
#include "quant/dense.hpp"

namespace nq {

/// out += a^T b on the calling thread: a [rows, m], b [rows, n], out [m, n] with `out_stride`.
///
/// Chunks of rows are summed one after the other, each in the exact order of kernels::gemm: the same bits on any
/// machine.
void add_transposed_product(const MatrixView& a, const MatrixView& b, float* out, Eigen::Index out_stride);

/// a^T b, [a.cols, b.cols], on all threads.
RowMatrix transposed_product(const RowMatrix& a, const RowMatrix& b);

/// a b, [a.rows, b.cols], on all threads.
RowMatrix product(const RowMatrix& a, const RowMatrix& b);

/// a b, [a.rows, b.cols], on the calling thread.
RowMatrix product_serial(const RowMatrix& a, const kernels::PackedMatrix& b);

}  // namespace nq
