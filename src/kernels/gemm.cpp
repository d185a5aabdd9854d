#include "kernels/gemm.hpp"

#include <algorithm>
#include <functional>
#include <new>

#include "core/check.hpp"
#include "core/divide_up.hpp"
#include "core/parallel.hpp"
#include "kernels/isa.hpp"
#include "kernels/scratch.hpp"

namespace nq::kernels {
namespace {

void pack_panel(const StridedMatrix& b, std::int64_t col0, float* panel) {
  const std::int64_t used = std::min(kPanelColumns, b.cols - col0);
  const float* source = b.data + col0 * b.col_stride;
  const KernelTable& table = active_table();
  if (b.col_stride == 1) {
    table.copy_panel(source, b.row_stride, b.rows, used, panel);
    return;
  }
  if (b.row_stride == 1) {
    for (std::int64_t col = 0; col < kPanelColumns; col += 16) {
      const std::int64_t count = std::clamp<std::int64_t>(used - col, 0, 16);
      table.transpose_rows(source + (count == 0 ? 0 : col) * b.col_stride, b.col_stride, count, b.rows,
                           panel + col, kPanelColumns);
    }
    return;
  }
  if (used < kPanelColumns) std::fill_n(panel, b.rows * kPanelColumns, 0.0F);
  for (std::int64_t k = 0; k < b.rows; ++k) {
    for (std::int64_t col = 0; col < used; ++col) {
      panel[k * kPanelColumns + col] = source[k * b.row_stride + col * b.col_stride];
    }
  }
}

/// How one product is cut into tasks. The cut never changes a result, only who computes it.
struct TaskGrid {
  std::int64_t row_tasks = 1, col_tasks = 1;

  TaskGrid(std::int64_t rows, std::int64_t cols, std::int64_t depth) {
    const std::int64_t threads = num_threads();
    const bool tiny =
        static_cast<double>(rows) * static_cast<double>(cols) * static_cast<double>(depth) < 1e5;
    if (threads == 1 || tiny) return;
    // Rows first, since each task packs its rows, and no more tasks than threads, since each reads all columns of B.
    row_tasks = std::clamp<std::int64_t>(divide_up(rows, 28), 1, threads);
    if (row_tasks == threads) return;
    // A few tasks per thread even out their ends.
    col_tasks = std::clamp<std::int64_t>(divide_up(4 * threads, row_tasks), 1, divide_up(cols, 2 * kPanelColumns));
  }
};

}  // namespace

std::size_t packed_floats(std::int64_t depth, std::int64_t cols) {
  return static_cast<std::size_t>(depth * divide_up(cols, kPanelColumns) * kPanelColumns);
}

void pack_matrix_serial(const StridedMatrix& b, float* packed) {
  for (std::int64_t col0 = 0; col0 < b.cols; col0 += kPanelColumns) {
    pack_panel(b, col0, packed + col0 * b.rows);
  }
}

void pack_matrix(const StridedMatrix& b, float* packed) {
  const auto body = [&](std::int64_t panel, std::int64_t) {
    const std::int64_t col0 = panel * kPanelColumns;
    pack_panel(b, col0, packed + col0 * b.rows);
  };
  parallel_for(0, divide_up(b.cols, kPanelColumns), 1, std::cref(body));
}

void PackedMatrix::Release::operator()(float* p) const noexcept {
  ::operator delete (p, std::align_val_t{64});
}

PackedMatrix::PackedMatrix(const StridedMatrix& b) : depth_(b.rows), cols_(b.cols) {
  const std::size_t bytes = std::max<std::size_t>(1, packed_floats(b.rows, b.cols)) * sizeof(float);
  data_.reset(static_cast<float*>(::operator new (bytes, std::align_val_t{64})));
  pack_matrix(b, data_.get());
}

void gemm_serial(const StridedMatrix& a, const float* packed, std::int64_t cols, float* c,
                 std::int64_t c_stride, const Epilogue& epilogue) {
  if (a.rows == 0 || cols == 0) return;
  GemmBlock block;
  block.rows = a.rows;
  block.cols = cols;
  block.depth = a.cols;
  block.a = a.data;
  block.a_row_stride = a.row_stride;
  block.a_depth_stride = a.col_stride;
  block.b = packed;
  block.c = c;
  block.c_stride = c_stride;
  block.alpha = epilogue.alpha;
  block.bias = epilogue.bias;
  block.row_bias = epilogue.row_bias;
  block.residual = epilogue.residual;
  block.residual_stride = epilogue.residual_stride;
  block.activation = epilogue.activation;
  block.pack = thread_scratch(ScratchUse::gemm_pack, static_cast<std::size_t>(kPackFloats));
  active_table().gemm_block(block);
}

void gemm(const StridedMatrix& a, const float* packed, std::int64_t cols, float* c, std::int64_t c_stride,
          const Epilogue& epilogue) {
  const TaskGrid grid(a.rows, cols, a.cols);
  const std::int64_t panels = divide_up(cols, kPanelColumns);
  const auto body = [&](std::int64_t task, std::int64_t) {
    const std::int64_t row_task = task % grid.row_tasks;
    const std::int64_t col_task = task / grid.row_tasks;
    const std::int64_t row0 = a.rows * row_task / grid.row_tasks;
    const std::int64_t row1 = a.rows * (row_task + 1) / grid.row_tasks;
    const std::int64_t col0 = panels * col_task / grid.col_tasks * kPanelColumns;
    const std::int64_t col1 = std::min(cols, panels * (col_task + 1) / grid.col_tasks * kPanelColumns);
    if (row0 == row1 || col0 >= col1) return;
    Epilogue part = epilogue;
    if (part.bias != nullptr) part.bias += col0;
    if (part.row_bias != nullptr) part.row_bias += row0;
    if (part.residual != nullptr) part.residual += row0 * part.residual_stride + col0;
    gemm_serial(a.rows_from(row0, row1 - row0), packed + col0 * a.cols, col1 - col0,
                c + row0 * c_stride + col0, c_stride, part);
  };
  parallel_for(0, grid.row_tasks * grid.col_tasks, 1, std::cref(body));
}

void gemm_batched(const BatchedProduct& p) {
  const auto products = static_cast<std::int64_t>(p.a_offsets.size());
  const std::int64_t wanted = divide_up(4 * num_threads(), std::max<std::int64_t>(1, products));
  const std::int64_t pieces =
      num_threads() == 1 ? 1 : std::clamp<std::int64_t>(wanted, 1, divide_up(p.rows, 56));
  const auto body = [&](std::int64_t task, std::int64_t) {
    const std::int64_t index = task / pieces;
    const std::int64_t row0 = p.rows * (task % pieces) / pieces;
    const std::int64_t row1 = p.rows * (task % pieces + 1) / pieces;
    float* packed = thread_scratch(ScratchUse::panel_b, packed_floats(p.depth, p.cols));
    pack_matrix_serial({p.b + p.b_offsets[index], p.depth, p.cols, p.b_row_stride, p.b_col_stride}, packed);
    const StridedMatrix a{p.a + p.a_offsets[index], p.rows, p.depth, p.a_row_stride, p.a_col_stride};
    gemm_serial(a.rows_from(row0, row1 - row0), packed, p.cols,
                p.c + p.c_offsets[index] + row0 * p.c_row_stride, p.c_row_stride);
  };
  parallel_for(0, products * pieces, 1, std::cref(body));
}

}  // namespace nq::kernels
