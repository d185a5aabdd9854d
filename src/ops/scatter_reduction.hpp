#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "nq/types.hpp"

namespace nq {

/// Combines `count` dense updates into the elements at `target`.
using Combine = void (*)(std::byte* target, const std::byte* updates, std::int64_t count);

/// Combine of ONNX ScatterElements and ScatterND: `reduction` is "none", "add", "mul", "max" or "min".
/// Integers wrap; bool adds as OR and multiplies as AND; NaN wins in max and min; float16 and
/// bfloat16 are combined in float32 and rounded back.
/// Throws Error(input) on another name, Error(unsupported) when the type has no arithmetic here.
Combine find_combine(std::string_view reduction, DType dtype);

}  // namespace nq
