#pragma once

#include <cstdint>

#include "kernels/attention.hpp"

namespace nq::kernels {

/// Query rows whose scores are held at a time: whole register tiles, about 256 KiB of scores.
std::int64_t score_block_rows(std::int64_t kv_rows);

/// Turns one row of raw scores, [kv_rows], into attention weights in place: scale, addends, bias and
/// masks, softmax.
void finish_scores(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row,
                   float* scores);

}  // namespace nq::kernels
