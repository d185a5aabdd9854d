#pragma once

#include <cstdint>

#include "kernels/attention.hpp"

namespace nq::kernels {

/// Query rows [row0, row1) of one head with a.grids: Q, K, the attention weights and V are rounded to their
/// grids and multiplied as integers. The sums are exact, so a result equals the float reading of the
/// same QDQ graph up to the rounding of that reading's own sums. Throws Error(unsupported) when dim or
/// kv_rows is above kMaxIntegerDepth.
void attend_rows_quantized(const Attention& a, std::int64_t batch, std::int64_t head, std::int64_t row0,
                           std::int64_t row1);

}  // namespace nq::kernels
