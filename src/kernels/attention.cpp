#include "kernels/attention.hpp"

#include <algorithm>
#include <functional>

#include "core/divide_up.hpp"
#include "core/parallel.hpp"
#include "kernels/attention_rows.hpp"
#include "kernels/gemm.hpp"
#include "kernels/quantized_attention.hpp"
#include "kernels/scratch.hpp"

namespace nq::kernels {
namespace {

/// Query rows [row0, row1) of one head.
void attend_rows(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row0,
                 std::int64_t row1) {
  const std::int64_t kv_head = head / (a.heads / a.kv_heads);
  const std::size_t key_floats = packed_floats(a.dim, a.kv_rows);
  float* keys = thread_scratch(ScratchUse::panel_b, key_floats + packed_floats(a.kv_rows, a.v_dim));
  float* values = keys + key_floats;
  pack_matrix_serial({a.k.at(batch, kv_head), a.dim, a.kv_rows, 1, a.k.row_stride}, keys);
  pack_matrix_serial({a.v.at(batch, kv_head), a.kv_rows, a.v_dim, a.v.row_stride, 1}, values);

  const std::int64_t step = score_block_rows(a.kv_rows);
  const std::int64_t stride = (a.kv_rows + 15) / 16 * 16;
  float* scores = thread_scratch(ScratchUse::panel_c, static_cast<std::size_t>(step * stride));
  const StridedMatrix queries{a.q.at(batch, head), a.q_rows, a.dim, a.q.row_stride, 1};
  float* out = a.out + batch * a.out_batch_stride + head * a.out_head_stride;
  for (std::int64_t begin = row0; begin < row1; begin += step) {
    const std::int64_t rows = std::min(step, row1 - begin);
    gemm_serial(queries.rows_from(begin, rows), keys, a.kv_rows, scores, stride);
    finish_scores(a, batch, head, begin, rows, scores, stride);
    gemm_serial({scores, rows, a.kv_rows, stride, 1}, values, a.v_dim, out + begin * a.out_row_stride,
                a.out_row_stride);
  }
}

}  // namespace

void attend(const Attention& a) {
  const std::int64_t products = a.batch * a.heads;
  if (products == 0 || a.q_rows == 0) return;
  // With few heads, their rows are split as well; each piece packs the keys again.
  const std::int64_t wanted = divide_up(4 * num_threads(), products);
  const std::int64_t pieces =
      num_threads() == 1 ? 1 : std::clamp<std::int64_t>(wanted, 1, divide_up(a.q_rows, 56));
  const auto body = [&](std::int64_t task, std::int64_t) {
    const std::int64_t index = task / pieces;
    const std::int64_t piece = task % pieces;
    const auto attend_piece = a.grids ? attend_rows_quantized : attend_rows;
    attend_piece(a, index / a.heads, index % a.heads, a.q_rows * piece / pieces, a.q_rows * (piece + 1) / pieces);
  };
  parallel_for(0, products * pieces, 1, std::cref(body));
}

}  // namespace nq::kernels
