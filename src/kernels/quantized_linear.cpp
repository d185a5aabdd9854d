#include "kernels/quantized_linear.hpp"

#include <algorithm>
#include <functional>

#include "core/check.hpp"
#include "core/parallel.hpp"
#include "kernels/isa.hpp"
#include "kernels/scratch.hpp"

namespace nq::kernels {
namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Products with dot-product instructions read activations as uint8; signed grids move up by this.
std::int32_t storage_shift(const ActivationGrid& grid) { return grid.qmin < 0 ? 128 : 0; }

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

std::size_t floats_for(std::int64_t bytes) { return static_cast<std::size_t>(divide_up(bytes, 4)); }

}  // namespace

QuantizedLinear::QuantizedLinear(const IntegerWeight& weight, const ActivationGrid& grid)
    : depth_(weight.depth), cols_(weight.cols), steps_(divide_up(weight.depth, 4)) {
  NQ_CHECK(depth_ <= kMaxIntegerDepth, unsupported, "an integer product over {} values may overflow", depth_);
  const std::int32_t shift = storage_shift(grid);
  NQ_ASSERT(grid.qmin + shift >= 0 && grid.qmax + shift <= 255 && grid.qmin <= grid.qmax);
  quantizer_ = {grid.scale, static_cast<float>(grid.zero_point + shift),
                static_cast<float>(grid.qmin + shift), static_cast<float>(grid.qmax + shift)};

  const std::int64_t padded = divide_up(cols_, kPanelColumns) * kPanelColumns;
  panels_.assign(static_cast<std::size_t>(padded * steps_ * 4), 0);
  offsets_.assign(static_cast<std::size_t>(padded), 0);
  scales_.assign(static_cast<std::size_t>(padded), 0.0F);
  for (std::int64_t first = 0; first < cols_; first += kPanelColumns) {
    pack_panel(weight, first, std::min(kPanelColumns, cols_ - first), panels_.data() + first * steps_ * 4, offsets_.data() + first);
  }
  for (std::int64_t col = 0; col < cols_; ++col) {
    offsets_[col] *= grid.zero_point + shift;
    scales_[col] = grid.scale * weight.scales[weight.scales.size() == 1 ? 0 : static_cast<std::size_t>(col)];
  }
}

void QuantizedLinear::run_rows(const float* x, std::int64_t row0, std::int64_t rows, float* y,
                               const QuantizedEpilogue& epilogue) const {
  const KernelTable& table = active_table();
  const std::int64_t stride = steps_ * 4;
  auto* values = reinterpret_cast<std::uint8_t*>(thread_scratch(ScratchUse::rows, floats_for(rows * stride)));
  for (std::int64_t row = 0; row < rows; ++row) {
    std::uint8_t* target = values + row * stride;
    table.quantize(quantizer_, x + (row0 + row) * depth_, target, depth_);
    std::fill(target + depth_, target + stride, std::uint8_t{0});
  }
  IntegerBlock block;
  block.rows = rows;
  block.cols = cols_;
  block.steps = steps_;
  block.a = values;
  block.a_stride = stride;
  block.b = panels_.data();
  block.offset = offsets_.data();
  block.scale = scales_.data();
  block.bias = epilogue.bias;
  if (epilogue.residual != nullptr) block.residual = epilogue.residual + row0 * cols_;
  block.residual_stride = cols_;
  block.activation = epilogue.activation;
  block.c = y + row0 * cols_;
  block.c_stride = cols_;
  block.pack = reinterpret_cast<std::uint8_t*>(
      thread_scratch(ScratchUse::gemm_pack, floats_for(integer_pack_bytes(steps_))));
  table.integer_block(block);
}

void QuantizedLinear::run(const float* x, std::int64_t rows, float* y,
                          const QuantizedEpilogue& epilogue) const {
  if (rows == 0 || cols_ == 0) return;
  // Few enough rows per task that their bytes stay in cache, and a few tasks per thread.
  const std::int64_t tasks =
      std::max(divide_up(rows, 2 * kRowBlock),
               num_threads() == 1 ? 1 : std::min(4L * num_threads(), divide_up(rows, 14)));
  const auto body = [&](std::int64_t task, std::int64_t) {
    const std::int64_t row0 = rows * task / tasks;
    run_rows(x, row0, rows * (task + 1) / tasks - row0, y, epilogue);
  };
  parallel_for(0, tasks, 1, std::cref(body));
}

}  // namespace nq::kernels
