#pragma once

#include <cstdint>
#include <span>

#include "kernels/activation_grid.hpp"
#include "kernels/aligned_vector.hpp"
#include "kernels/isa/kernel_table.hpp"

namespace nq::kernels {

/// Integer weight [depth, cols] with symmetric scales.
struct IntegerWeight {
  const std::int8_t* values = nullptr;  ///< element (k, col) at k * row_stride + col * col_stride
  std::int64_t depth = 0, cols = 0;
  std::int64_t row_stride = 0, col_stride = 1;
  std::span<const float> scales;  ///< one, or one per column
};

/// Where the results of QuantizedLinear::run go and what is fused into them.
struct QuantizedEpilogue {
  const float* bias = nullptr;      ///< [cols], may be null
  const float* residual = nullptr;  ///< [rows, cols], may be null; must not overlap the output
  Activation activation = Activation::none;
};

/// y = activation(dequantize(quantize(x)) * dequantize(w) + bias) + residual in integer arithmetic.
///
/// The integer sums are exact, so y equals the float reading of the same graph up to the rounding of
/// that reading's own sums: each output takes three roundings here (sum to float, scale, bias).
/// Immutable after construction; owns its packed copy of the weight.
class QuantizedLinear {
 public:
  /// Throws Error(unsupported) above kMaxIntegerDepth, Error(internal) on a grid wider than a byte.
  QuantizedLinear(const IntegerWeight& weight, const ActivationGrid& grid);

  std::int64_t depth() const noexcept { return depth_; }
  std::int64_t cols() const noexcept { return cols_; }

  /// x [rows, depth] and y [rows, cols], dense, on all threads.
  void run(const float* x, std::int64_t rows, float* y, const QuantizedEpilogue& epilogue = {}) const;

 private:
  /// A rectangle of the output; col0 lies on a panel.
  struct Part {
    std::int64_t row0, row1, col0, col1;
  };

  /// Bytes of a row of grid values: the depth padded to whole groups of four.
  std::int64_t row_bytes() const noexcept { return steps_ * 4; }
  /// One part of the output on this thread; `values` begins at the part's first row.
  void multiply(const std::uint8_t* values, const Part& part, float* y, const QuantizedEpilogue& epilogue) const;
  void run_by_rows(const float* x, std::int64_t rows, std::int64_t tasks, float* y,
                   const QuantizedEpilogue& epilogue) const;
  /// For few rows: they are quantized once, then every task takes some columns.
  void run_by_columns(const float* x, std::int64_t rows, float* y, const QuantizedEpilogue& epilogue) const;

  std::int64_t depth_, cols_, steps_;
  QuantizeRow quantizer_;
  AlignedVector<std::int8_t> panels_;    ///< [panels][steps][kPanelColumns][4]
  AlignedVector<std::int32_t> offsets_;  ///< stored zero point times column sum, padded to panels
  AlignedVector<float> scales_;          ///< activation scale times weight scale, likewise
};

}  // namespace nq::kernels
