#pragma once

#include <cstdint>

namespace nq::kernels {

/// What happens to a product before it is stored.
enum class Activation : std::uint8_t { none, gelu_erf, gelu_tanh, relu };

/// Columns of one packed panel of B, the same for every instruction set.
inline constexpr std::int64_t kPanelColumns = 32;

/// One block C[rows, cols] = epilogue(A[rows, depth] * B[depth, cols]) for one thread.
///
/// Each element is fma(a[k], b[k], acc) for k = 0, 1, ... starting from 0, whatever the blocking;
/// then alpha * acc + bias[col] + row_bias[row], the activation, + residual[row, col].
struct GemmBlock {
  std::int64_t rows = 0, cols = 0, depth = 0;
  const float* a = nullptr;  ///< element (row, k) at row * a_row_stride + k * a_depth_stride
  std::int64_t a_row_stride = 0, a_depth_stride = 1;
  const float* b = nullptr;  ///< panels of [depth, kPanelColumns], zero-padded columns
  float* c = nullptr;        ///< element (row, col) at row * c_stride + col
  std::int64_t c_stride = 0;
  float alpha = 1.0F;
  const float* bias = nullptr;      ///< [cols], may be null
  const float* row_bias = nullptr;  ///< [rows], may be null
  const float* residual = nullptr;  ///< [rows, cols], may be null
  std::int64_t residual_stride = 0;
  Activation activation = Activation::none;
  float* pack = nullptr;  ///< kPackFloats floats of scratch
};

/// Rows that are whole register tiles of every instruction set (14, 6, 4 and 3 high).
inline constexpr std::int64_t kWholeTileRows = 84;
/// Floats of GemmBlock::pack: the largest packed block of any instruction set, and room for the last vector store.
inline constexpr std::int64_t kPackFloats = 210 * 768 + 16;

/// One block of an integer product: C = epilogue(float(A * B - offset[col]) * scale[col]).
///
/// A holds uint8, B int8; the sums are exact in int32 while depth <= kMaxIntegerDepth.
struct IntegerBlock {
  std::int64_t rows = 0, cols = 0;
  std::int64_t steps = 0;           ///< depth in groups of four; A and B are padded to whole groups
  const std::uint8_t* a = nullptr;  ///< [rows, a_stride], a_stride a multiple of 4
  std::int64_t a_stride = 0;
  const std::int8_t* b = nullptr;        ///< panels of [steps, kPanelColumns, 4], zero-padded
  const std::int32_t* offset = nullptr;  ///< [cols padded to kPanelColumns], subtracted from the sum
  const float* scale = nullptr;          ///< likewise
  const float* bias = nullptr;           ///< [cols], may be null
  const float* residual = nullptr;       ///< [rows, cols], may be null
  std::int64_t residual_stride = 0;
  Activation activation = Activation::none;
  float* c = nullptr;            ///< element (row, col) at row * c_stride + col; or null
  std::int32_t* sums = nullptr;  ///< receives the sums minus offset instead of c
  std::int64_t c_stride = 0;     ///< of c or sums
  std::uint8_t* pack = nullptr;  ///< integer_pack_bytes(steps) bytes of scratch
};

/// 255 * 128 * depth stays below 2^31.
inline constexpr std::int64_t kMaxIntegerDepth = 65792;
/// Rows of A that a task takes and an integer product packs at most: whole AMX tiles.
inline constexpr std::int64_t kIntegerRowBlock = 208;
/// Bytes of IntegerBlock::pack: the depth padded to 64, and room for the last vector store.
inline constexpr std::int64_t integer_pack_bytes(std::int64_t steps) {
  return kIntegerRowBlock * ((steps + 15) / 16) * 64 + 64;
}

/// How floats become the uint8 values of IntegerBlock::a: clamp(round(x / scale) + zero_point), where
/// signed grids are stored with 128 added throughout.
struct QuantizeRow {
  float scale = 1.0F;
  float zero_point = 0.0F;
  float low = 0.0F, high = 255.0F;  ///< grid ends, zero point included
};

/// y = softmax(alpha * x + addends) of each row; NaN in a row where every sum is -infinity. x and y may be the same. Without
/// addends alpha >= 0.
struct SoftmaxRows {
  std::int64_t rows = 0, cols = 0;
  const float* x = nullptr;
  std::int64_t x_stride = 0;
  float* y = nullptr;
  std::int64_t y_stride = 0;
  float alpha = 1.0F;
  const float* addends[2] = {nullptr, nullptr};  ///< [rows, cols]; the second only beside a first
  std::int64_t addend_strides[2] = {0, 0};
};

/// y = (x - mean) / sqrt(variance + epsilon) * scale + bias per row; mean and variance are summed in double.
struct RowNorm {
  std::int64_t cols = 0;
  float epsilon = 1e-5F;
  bool center = true;            ///< false: RMS normalization
  const float* scale = nullptr;  ///< [cols], may be null
  const float* bias = nullptr;   ///< [cols], may be null
};

/// Entry points that exist once per instruction set. All pointers may be unaligned; sixteen fixed
/// lanes carry every reduction, so that all tables return the same bits.
struct KernelTable {
  const char* name;
  void (*gemm_block)(const GemmBlock&);
  /// target[k * stride + row] = source[row * row_stride + k] for k < depth and rows <= 16. Lanes from
  /// `rows` to 16 become zero where the stride leaves room for them; stores go in rising k and may
  /// reach 16 lanes past the start of the last target row.
  void (*transpose_rows)(const float* source, std::int64_t row_stride, std::int64_t rows, std::int64_t depth,
                         float* target, std::int64_t stride);
  /// panel[row * kPanelColumns + col] = source[row * row_stride + col] for cols <= kPanelColumns; zeros behind them.
  void (*copy_panel)(const float* source, std::int64_t row_stride, std::int64_t rows, std::int64_t cols, float* panel);
  void (*exp)(const float* x, float* y, std::int64_t count);
  void (*erf)(const float* x, float* y, std::int64_t count);
  void (*gelu_erf)(const float* x, float* y, std::int64_t count);
  void (*gelu_tanh)(const float* x, float* y, std::int64_t count);
  void (*softmax_rows)(const SoftmaxRows&);
  /// y = x - max - log(sum(exp(x - max))) of one row.
  void (*log_softmax_row)(const float* x, float* y, std::int64_t count);
  /// On the rows of [rows, norm.cols]; `mean` and `inv_std`, [rows], may be null.
  void (*normalize_rows)(const RowNorm& norm, const float* x, float* y, std::int64_t rows, float* mean, float* inv_std);
  /// y[i] = the grid value of x[i]; NaN becomes `low`. Rounds half to even, as QuantizeLinear.
  void (*quantize)(const QuantizeRow& grid, const float* x, std::uint8_t* y, std::int64_t count);
  void (*integer_block)(const IntegerBlock&);
};

const KernelTable& portable_table() noexcept;
const KernelTable& avx2_table() noexcept;
const KernelTable& avx512_table() noexcept;

/// Integer products with dot-product or tile instructions; they replace integer_block of the tables above.
void integer_block_avx2_vnni(const IntegerBlock& block);
void integer_block_avx512_vnni(const IntegerBlock& block);
void integer_block_avx512_amx(const IntegerBlock& block);
/// integer_block of the avx2 table, which the avx512 table shares.
void integer_block_avx2(const IntegerBlock& block);

}  // namespace nq::kernels
