#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "nq/op.hpp"

// Arguments that decide the shape of a result. ONNX moved many of them from attributes to inputs
// over time; as inputs they must be constants, because shapes are static here.

namespace nq {

/// Values of the constant int32 or int64 input i, of rank 0 or 1.
/// Throws Error(unsupported) when it is only known at run time, Error(input) on another type.
std::vector<std::int64_t> constant_ints(const OpContext& context, int i);

/// As constant_ints for exactly one element.
std::int64_t constant_int(const OpContext& context, int i);

/// Where an argument is found: an attribute before opset `input_since`, then an input.
struct IntsArgument {
  std::string_view attribute;
  int input = 1;
  int input_since = 13;
};

/// The list, or nothing when the node omits it.
std::optional<std::vector<std::int64_t>> ints_argument(const OpContext& context,
                                                       const IntsArgument& argument);

/// Maps each axis to [0, rank). Throws Error(input) on an axis outside the rank or given twice.
std::vector<int> normalize_axes(const std::vector<std::int64_t>& axes, int rank);

/// Throws Error(unsupported) when input i holds strings: data movement works on plain bytes.
void check_movable(const OpContext& context, int i);

/// Throws Error(input) unless input i holds int32 or int64.
void check_index_dtype(const OpContext& context, int i);

}  // namespace nq
