#include "kernels/quantized_attention.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#include "core/check.hpp"
#include "core/divide_up.hpp"
#include "kernels/attention_rows.hpp"
#include "kernels/isa.hpp"
#include "kernels/scratch.hpp"

namespace nq::kernels {
namespace {

/// A right operand as the integer product reads it: stored codes minus 128 in panels.
///
/// With left codes a and zero points za, zb: sum (a - za)(b - zb) = sum a b - offset - zb sum a, where
/// offset = za (sum b - depth zb) is one number per column.
struct RightOperand {
  std::int64_t depth = 0, cols = 0, steps = 0, padded = 0;
  std::int32_t zero = 0;  ///< zb
  std::int8_t* panels = nullptr;
  std::int32_t* offset = nullptr;
  float* scale = nullptr;

  RightOperand(std::int64_t depth_in, std::int64_t cols_in, const ActivationGrid& grid)
      : depth(depth_in),
        cols(cols_in),
        steps(divide_up(depth_in, 4)),
        padded(divide_up(cols_in, kPanelColumns) * kPanelColumns),
        zero(stored_zero(grid) - 128) {
    NQ_CHECK(depth <= kMaxIntegerDepth, unsupported, "an integer product over {} values may overflow", depth);
  }

  std::size_t floats() const { return static_cast<std::size_t>(padded * (steps + 2)); }

  /// Takes floats() of scratch; the panels are for whoever packs them.
  void place(float* scratch) {
    panels = reinterpret_cast<std::int8_t*>(scratch);
    offset = reinterpret_cast<std::int32_t*>(scratch + padded * steps);
    scale = scratch + padded * (steps + 1);
    std::fill_n(offset, padded, 0);
  }

  /// Turns column sums in `offset` into offsets.
  void finish(const ActivationGrid& left, const ActivationGrid& right) const {
    const std::int32_t left_zero = stored_zero(left);
    for (std::int64_t col = 0; col < cols; ++col) {
      offset[col] = left_zero * (offset[col] - static_cast<std::int32_t>(depth) * zero);
    }
    std::fill_n(scale, padded, left.scale * right.scale);
  }
};

/// Takes 128 from each code, in place; returns their sum.
std::int32_t centre_codes(std::uint8_t* codes, std::int64_t count) {
  std::int32_t sum = 0;
  for (std::int64_t k = 0; k < count; ++k) {
    codes[k] ^= 0x80U;
    sum += static_cast<std::int8_t>(codes[k]);
  }
  return sum;
}

/// Keys are the columns of K^T: groups of four codes of sixteen keys are transposed as 32-bit words.
void pack_keys(const Attention& a, const float* keys, const RightOperand& right) {
  constexpr std::int64_t kKeys = 16;
  const std::int64_t width = right.steps * 4;
  const QuantizeRow grid = stored_quantizer(a.grids->k);
  std::uint8_t* const codes = byte_scratch(ScratchUse::rows, kKeys * width);
  // To the end of the last panel: columns without a key become zero.
  for (std::int64_t first = 0; first < right.padded; first += kKeys) {
    const std::int64_t count = std::clamp<std::int64_t>(a.kv_rows - first, 0, kKeys);
    quantize_rows(grid, count == 0 ? keys : keys + first * a.k.row_stride, a.k.row_stride, count, a.dim, codes, width);
    for (std::int64_t i = 0; i < count; ++i) right.offset[first + i] = centre_codes(codes + i * width, a.dim);
    float* const panel = reinterpret_cast<float*>(right.panels) + first / kPanelColumns * right.steps * kPanelColumns;
    active_table().transpose_rows(reinterpret_cast<const float*>(codes), right.steps, count, right.steps,
                                  panel + first % kPanelColumns, kPanelColumns);
  }
  right.finish(a.grids->q, a.grids->k);
}

/// Values are the rows of V: codes of four rows go side by side.
void pack_values(const Attention& a, const float* values, const RightOperand& right) {
  constexpr std::int64_t kRows = 4;
  const QuantizeRow grid = stored_quantizer(a.grids->v);
  std::uint8_t* const codes = byte_scratch(ScratchUse::rows, kRows * a.v_dim);
  for (std::int64_t first = 0; first < a.kv_rows; first += kRows) {
    const std::int64_t count = std::min(kRows, a.kv_rows - first);
    quantize_rows(grid, values + first * a.v.row_stride, a.v.row_stride, count, a.v_dim, codes, a.v_dim);
    for (std::int64_t col0 = 0; col0 < a.v_dim; col0 += kPanelColumns) {
      const std::int64_t used = std::min(kPanelColumns, a.v_dim - col0);
      std::array<std::uint32_t, kPanelColumns> words{};
      for (std::int64_t i = 0; i < count; ++i) {
        const std::uint8_t* const row = codes + i * a.v_dim + col0;
        for (std::int64_t col = 0; col < used; ++col) {
          words[static_cast<std::size_t>(col)] |= (row[col] ^ std::uint32_t{0x80}) << (8 * i);
          right.offset[col0 + col] += row[col] - 128;
        }
      }
      std::int8_t* const group = right.panels + (col0 / kPanelColumns * right.steps + first / kRows) * kPanelColumns * kRows;
      std::memcpy(group, words.data(), sizeof words);
    }
  }
  right.finish(a.grids->probabilities, a.grids->v);
}

/// Rounds `rows` rows of the left operand; returns codes [rows, steps * 4].
std::uint8_t* quantize_left(const ActivationGrid& grid, const float* x, std::int64_t stride,
                            std::int64_t rows, const RightOperand& right) {
  const std::int64_t width = right.steps * 4;
  std::uint8_t* codes = byte_scratch(ScratchUse::rows, rows * width);
  quantize_rows(stored_quantizer(grid), x, stride, rows, right.depth, codes, width);
  return codes;
}

/// y [rows, cols] = the product of dequantized operands. `y` may be read as integers on the way.
void multiply(const std::uint8_t* left, std::int64_t rows, const RightOperand& right, float* y,
              std::int64_t y_stride) {
  IntegerBlock block;
  block.rows = rows;
  block.cols = right.cols;
  block.steps = right.steps;
  block.a = left;
  block.a_stride = right.steps * 4;
  block.b = right.panels;
  block.offset = right.offset;
  block.scale = right.scale;
  block.c_stride = y_stride;
  block.pack = byte_scratch(ScratchUse::gemm_pack, integer_pack_bytes(right.steps));
  if (right.zero == 0) {
    block.c = y;
    active_table().integer_block(block);
    return;
  }
  block.c_stride = right.cols;
  block.sums = reinterpret_cast<std::int32_t*>(
      thread_scratch(ScratchUse::columns, static_cast<std::size_t>(rows * right.cols)));
  active_table().integer_block(block);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::uint8_t* codes = left + row * right.steps * 4;
    const std::int32_t shift = right.zero * std::accumulate(codes, codes + right.depth, std::int32_t{0});
    for (std::int64_t col = 0; col < right.cols; ++col) {
      y[row * y_stride + col] =
          static_cast<float>(block.sums[row * right.cols + col] - shift) * right.scale[0];
    }
  }
}

}  // namespace

void attend_rows_quantized(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row0,
                           std::int64_t row1) {
  const std::int64_t kv_head = head / (a.heads / a.kv_heads);
  RightOperand keys(a.dim, a.kv_rows, a.grids->k);
  RightOperand values(a.kv_rows, a.v_dim, a.grids->v);
  float* panels = thread_scratch(ScratchUse::panel_b, keys.floats() + values.floats());
  keys.place(panels);
  values.place(panels + keys.floats());
  pack_keys(a, a.k.at(batch, kv_head), keys);
  pack_values(a, a.v.at(batch, kv_head), values);

  const std::int64_t step = score_block_rows(a.kv_rows);
  const std::int64_t stride = divide_up(a.kv_rows, 16) * 16;
  float* scores = thread_scratch(ScratchUse::panel_c, static_cast<std::size_t>(step * stride));
  float* out = a.out + batch * a.out_batch_stride + head * a.out_head_stride;
  for (std::int64_t begin = row0; begin < row1; begin += step) {
    const std::int64_t rows = std::min(step, row1 - begin);
    const float* queries = a.q.at(batch, head) + begin * a.q.row_stride;
    multiply(quantize_left(a.grids->q, queries, a.q.row_stride, rows, keys), rows, keys, scores, stride);
    finish_scores(a, batch, head, begin, rows, scores, stride);
    multiply(quantize_left(a.grids->probabilities, scores, stride, rows, values), rows, values,
             out + begin * a.out_row_stride, a.out_row_stride);
  }
}

}  // namespace nq::kernels
