#pragma once

#include <cstdint>

#include "nq/tensor.hpp"

namespace nq {

/// Entries [first, first + count) of the first axis, without a copy: the part keeps the tensor's bytes alive.
Tensor tensor_part(const Tensor& tensor, std::int64_t first, std::int64_t count);

}  // namespace nq
