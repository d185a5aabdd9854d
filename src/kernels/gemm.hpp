#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/isa/kernel_table.hpp"

namespace nq::kernels {

/// Matrix [rows, cols] with any strides, in elements. Owns nothing.
struct StridedMatrix {
  const float* data = nullptr;
  std::int64_t rows = 0, cols = 0;
  std::int64_t row_stride = 0, col_stride = 1;

  static StridedMatrix dense(const float* data, std::int64_t rows, std::int64_t cols) {
    return {data, rows, cols, cols, 1};
  }
  StridedMatrix transposed() const { return {data, cols, rows, col_stride, row_stride}; }
  StridedMatrix rows_from(std::int64_t row, std::int64_t count) const {
    return {data + row * row_stride, count, cols, row_stride, col_stride};
  }
};

/// Floats that a packed matrix [depth, cols] takes: columns are padded to kPanelColumns.
std::size_t packed_floats(std::int64_t depth, std::int64_t cols);

/// Writes `b` [depth, cols] to `packed` as panels [depth, kPanelColumns] with zero padding.
void pack_matrix(const StridedMatrix& b, float* packed);

/// As pack_matrix, on the calling thread.
void pack_matrix_serial(const StridedMatrix& b, float* packed);

/// The right-hand matrix of a product, packed once. Movable; owns its memory (64-byte aligned).
class PackedMatrix {
 public:
  PackedMatrix() = default;
  explicit PackedMatrix(const StridedMatrix& b);

  std::int64_t depth() const noexcept { return depth_; }
  std::int64_t cols() const noexcept { return cols_; }
  const float* data() const noexcept { return data_.get(); }

 private:
  struct Release {
    void operator()(float* p) const noexcept;
  };
  std::unique_ptr<float, Release> data_;
  std::int64_t depth_ = 0, cols_ = 0;
};

/// Fused tail of a product: activation(alpha * acc + bias[col] + row_bias[row]) + residual[row, col].
struct Epilogue {
  float alpha = 1.0F;
  const float* bias = nullptr;      ///< [cols], may be null
  const float* row_bias = nullptr;  ///< [rows], may be null
  const float* residual = nullptr;  ///< [rows, cols], may be null; must not overlap C
  std::int64_t residual_stride = 0;
  Activation activation = Activation::none;
};

/// C[rows, cols] = epilogue(A[rows, depth] * B[depth, cols]), on all threads.
///
/// Every element is the chain fma(a[k], b[k], acc) over k = 0, 1, ... from 0, so it depends on its
/// row of A and its column of B alone: the same bits for any thread count, number of rows and
/// instruction set, equal to the plain loop over std::fma. `packed` comes from pack_matrix or
/// PackedMatrix; C must not overlap the inputs.
void gemm(const StridedMatrix& a, const float* packed, std::int64_t cols, float* c, std::int64_t c_stride,
          const Epilogue& epilogue = {});

inline void gemm(const StridedMatrix& a, const PackedMatrix& b, float* c, std::int64_t c_stride,
                 const Epilogue& epilogue = {}) {
  gemm(a, b.data(), b.cols(), c, c_stride, epilogue);
}

/// As gemm, on the calling thread; for callers that are parallel over something else.
void gemm_serial(const StridedMatrix& a, const float* packed, std::int64_t cols, float* c,
                 std::int64_t c_stride, const Epilogue& epilogue = {});

/// Products of many pairs of matrices: C at c_offsets[i] = A at a_offsets[i] times B at b_offsets[i].
struct BatchedProduct {
  std::int64_t rows = 0, depth = 0, cols = 0;
  const float* a = nullptr;
  std::int64_t a_row_stride = 0, a_col_stride = 1;
  const float* b = nullptr;
  std::int64_t b_row_stride = 0, b_col_stride = 1;
  std::span<const std::int64_t> a_offsets, b_offsets;  ///< in elements, one per product
  std::span<const std::int64_t> c_offsets;             ///< likewise
  float* c = nullptr;                                  ///< rows of unit column stride
  std::int64_t c_row_stride = 0;
};

/// All products, on all threads, each element as in gemm. B is packed on the way, per thread.
void gemm_batched(const BatchedProduct& product);

}  // namespace nq::kernels
