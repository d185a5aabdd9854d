#pragma once

#include "nq/tensor.hpp"

namespace nq {

/// A float32 tensor rounded to `dtype`: float32 itself, float16 or bfloat16.
Tensor from_float32(const Tensor& tensor, DType dtype);

}  // namespace nq
