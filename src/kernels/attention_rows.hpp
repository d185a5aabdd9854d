#pragma once

#include <cstdint>

#include "kernels/attention.hpp"

namespace nq::kernels {

/// Query rows whose scores are held at a time: whole register tiles, about 256 KiB of scores.
std::int64_t score_block_rows(std::int64_t kv_rows);

/// Turns rows [row0, row0 + rows) of raw scores, [rows, stride], into attention weights in place: scale, addends, bias and
/// masks, softmax. At most kWholeTileRows rows.
void finish_scores(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row0, std::int64_t rows,
                   float* scores, std::int64_t stride);

}  // namespace nq::kernels
