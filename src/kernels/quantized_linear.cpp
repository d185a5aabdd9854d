#include "kernels/quantized_linear.hpp"

#include <algorithm>
#include <functional>

#include "core/check.hpp"
#include "core/divide_up.hpp"
#include "core/parallel.hpp"
#include "kernels/isa.hpp"
#include "kernels/scratch.hpp"

namespace nq::kernels {
namespace {

/// Columns first..first+count-1 as a panel, and their sums.
void pack_panel(const IntegerWeight& weight, std::int64_t first, std::int64_t count, std::int8_t* panel, std::int32_t* sums) {
  for (std::int64_t k = 0; k < weight.depth; ++k) {
    const std::int8_t* row = weight.values + k * weight.row_stride + first * weight.col_stride;
    std::int8_t* target = panel + k / 4 * kPanelColumns * 4 + k % 4;
    for (std::int64_t col = 0; col < count; ++col) {
      const std::int8_t value = row[col * weight.col_stride];
      target[col * 4] = value;
      sums[col] += value;
    }
  }
}

}  // namespace

QuantizedLinear::QuantizedLinear(const IntegerWeight& weight, const ActivationGrid& grid)
    : depth_(weight.depth), cols_(weight.cols), steps_(divide_up(weight.depth, 4)) {
  NQ_CHECK(depth_ <= kMaxIntegerDepth, unsupported, "an integer product over {} values may overflow", depth_);
  quantizer_ = stored_quantizer(grid);
  const std::int64_t padded = divide_up(cols_, kPanelColumns) * kPanelColumns;
  panels_.assign(static_cast<std::size_t>(padded * steps_ * 4), 0);
  offsets_.assign(static_cast<std::size_t>(padded), 0);
  scales_.assign(static_cast<std::size_t>(padded), 0.0F);
  for (std::int64_t first = 0; first < cols_; first += kPanelColumns) {
    pack_panel(weight, first, std::min(kPanelColumns, cols_ - first), panels_.data() + first * steps_ * 4, offsets_.data() + first);
  }
  for (std::int64_t col = 0; col < cols_; ++col) {
    offsets_[col] *= stored_zero(grid);
    scales_[col] = grid.scale * weight.scales[weight.scales.size() == 1 ? 0 : static_cast<std::size_t>(col)];
  }
}

void QuantizedLinear::multiply(const std::uint8_t* values, const Part& part, float* y,
                               const QuantizedEpilogue& epilogue) const {
  IntegerBlock block;
  block.rows = part.row1 - part.row0;
  block.cols = part.col1 - part.col0;
  block.steps = steps_;
  block.a = values;
  block.a_stride = row_bytes();
  block.b = panels_.data() + part.col0 * steps_ * 4;
  block.offset = offsets_.data() + part.col0;
  block.scale = scales_.data() + part.col0;
  if (epilogue.bias != nullptr) block.bias = epilogue.bias + part.col0;
  const std::int64_t corner = part.row0 * cols_ + part.col0;
  if (epilogue.residual != nullptr) block.residual = epilogue.residual + corner;
  block.residual_stride = cols_;
  block.activation = epilogue.activation;
  block.c = y + corner;
  block.c_stride = cols_;
  block.pack = byte_scratch(ScratchUse::gemm_pack, integer_pack_bytes(steps_));
  active_table().integer_block(block);
}

void QuantizedLinear::run(const float* x, std::int64_t rows, float* y,
                          const QuantizedEpilogue& epilogue) const {
  if (rows == 0 || cols_ == 0) return;
  const std::int64_t threads = num_threads();
  const std::int64_t blocks = divide_up(rows, kIntegerRowBlock);
  if (threads == 1 || blocks >= threads) {
    run_by_rows(x, rows, threads == 1 ? blocks : divide_up(blocks, threads) * threads, y, epilogue);
  } else {
    run_by_columns(x, rows, y, epilogue);
  }
}

void QuantizedLinear::run_by_rows(const float* x, std::int64_t rows, std::int64_t tasks, float* y,
                                  const QuantizedEpilogue& epilogue) const {
  const auto body = [&](std::int64_t task, std::int64_t) {
    const Part part{rows * task / tasks, rows * (task + 1) / tasks, 0, cols_};
    const std::int64_t count = part.row1 - part.row0;
    std::uint8_t* values = byte_scratch(ScratchUse::rows, count * row_bytes());
    quantize_rows(quantizer_, x + part.row0 * depth_, depth_, count, depth_, values, row_bytes());
    multiply(values, part, y, epilogue);
  };
  parallel_for(0, tasks, 1, std::cref(body));
}

void QuantizedLinear::run_by_columns(const float* x, std::int64_t rows, float* y,
                                     const QuantizedEpilogue& epilogue) const {
  // A few tasks per thread even out their ends.
  const std::int64_t tasks = 2 * num_threads();
  std::uint8_t* values = byte_scratch(ScratchUse::rows, rows * row_bytes());
  const auto quantize = [&](std::int64_t task, std::int64_t) {
    const std::int64_t row0 = rows * task / tasks;
    quantize_rows(quantizer_, x + row0 * depth_, depth_, rows * (task + 1) / tasks - row0, depth_, values + row0 * row_bytes(), row_bytes());
  };
  parallel_for(0, tasks, 1, std::cref(quantize));
  const std::int64_t panels = divide_up(cols_, kPanelColumns);
  const auto body = [&](std::int64_t task, std::int64_t) {
    const Part part{0, rows, panels * task / tasks * kPanelColumns,
                    std::min(cols_, panels * (task + 1) / tasks * kPanelColumns)};
    if (part.col0 < part.col1) multiply(values, part, y, epilogue);
  };
  parallel_for(0, tasks, 1, std::cref(body));
}

}  // namespace nq::kernels
