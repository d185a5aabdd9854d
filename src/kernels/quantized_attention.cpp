#include "kernels/quantized_attention.hpp"

#include <algorithm>
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

  /// Takes floats() of scratch.
  void place(float* scratch) {
    panels = reinterpret_cast<std::int8_t*>(scratch);
    offset = reinterpret_cast<std::int32_t*>(scratch + padded * steps);
    scale = scratch + padded * (steps + 1);
    std::fill_n(panels, padded * steps * 4, std::int8_t{0});
    std::fill_n(offset, padded, 0);
  }

  std::int8_t& at(std::int64_t k, std::int64_t col) const {
    return panels[((col / kPanelColumns * steps + k / 4) * kPanelColumns + col % kPanelColumns) * 4 + k % 4];
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

/// Keys are the columns of K^T.
void pack_keys(const Attention& a, const float* keys, std::uint8_t* row_codes, const RightOperand& right) {
  const KernelTable& table = active_table();
  const QuantizeRow grid = stored_quantizer(a.grids->k);
  for (std::int64_t key = 0; key < a.kv_rows; ++key) {
    table.quantize(grid, keys + key * a.k.row_stride, row_codes, a.dim);
    std::int32_t sum = 0;
    for (std::int64_t d = 0; d < a.dim; ++d) {
      const auto code = static_cast<std::int8_t>(static_cast<int>(row_codes[d]) - 128);
      right.at(d, key) = code;
      sum += code;
    }
    right.offset[key] = sum;
  }
  right.finish(a.grids->q, a.grids->k);
}

void pack_values(const Attention& a, const float* values, std::uint8_t* row_codes,
                 const RightOperand& right) {
  const KernelTable& table = active_table();
  const QuantizeRow grid = stored_quantizer(a.grids->v);
  for (std::int64_t key = 0; key < a.kv_rows; ++key) {
    table.quantize(grid, values + key * a.v.row_stride, row_codes, a.v_dim);
    for (std::int64_t d = 0; d < a.v_dim; ++d) {
      const auto code = static_cast<std::int8_t>(static_cast<int>(row_codes[d]) - 128);
      right.at(key, d) = code;
      right.offset[d] += code;
    }
  }
  right.finish(a.grids->probabilities, a.grids->v);
}

/// Rounds `rows` rows of the left operand; returns codes [rows, steps * 4].
std::uint8_t* quantize_left(const ActivationGrid& grid, const float* x, std::int64_t stride,
                            std::int64_t rows, const RightOperand& right) {
  const QuantizeRow row_grid = stored_quantizer(grid);
  const std::int64_t width = right.steps * 4;
  std::uint8_t* codes = byte_scratch(ScratchUse::rows, rows * width);
  for (std::int64_t row = 0; row < rows; ++row) {
    std::uint8_t* target = codes + row * width;
    active_table().quantize(row_grid, x + row * stride, target, right.depth);
    std::fill(target + right.depth, target + width, std::uint8_t{0});
  }
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
  std::uint8_t* row_codes = byte_scratch(ScratchUse::rows, std::max(a.dim, a.v_dim));
  pack_keys(a, a.k.at(batch, kv_head), row_codes, keys);
  pack_values(a, a.v.at(batch, kv_head), row_codes, values);

  const std::int64_t step = score_block_rows(a.kv_rows);
  const std::int64_t stride = divide_up(a.kv_rows, 16) * 16;
  float* scores = thread_scratch(ScratchUse::panel_c, static_cast<std::size_t>(step * stride));
  float* out = a.out + batch * a.out_batch_stride + head * a.out_head_stride;
  for (std::int64_t begin = row0; begin < row1; begin += step) {
    const std::int64_t rows = std::min(step, row1 - begin);
    const float* queries = a.q.at(batch, head) + begin * a.q.row_stride;
    multiply(quantize_left(a.grids->q, queries, a.q.row_stride, rows, keys), rows, keys, scores, stride);
    for (std::int64_t row = 0; row < rows; ++row)
      finish_scores(a, batch, head, begin + row, scores + row * stride);
    multiply(quantize_left(a.grids->probabilities, scores, stride, rows, values), rows, values,
             out + begin * a.out_row_stride, a.out_row_stride);
  }
}

}  // namespace nq::kernels
