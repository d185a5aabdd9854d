#pragma once

#include <cstdint>

namespace nq {

// Vectorized float32 functions on the calling thread. x and y may be the same array; every element
// depends on its own input alone, so results do not depend on how an array is split.

/// y = tanh(x), error below 3 ulp.
void tanh_array(const float* x, float* y, std::int64_t count);

/// y = 1 / (1 + e^-x), error below 4 ulp.
void sigmoid_array(const float* x, float* y, std::int64_t count);

}  // namespace nq
