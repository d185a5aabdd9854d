#pragma once

#include "nq/graph.hpp"
#include "nq/types.hpp"

namespace nq {

/// Element type of a number of TensorProto.DataType (onnx.proto3). Throws Error(unsupported) for types
/// that nqcli does not hold, Error(input) for a number that names no type.
DType dtype_from_onnx(std::int64_t number);

/// The number that TensorProto.DataType gives an element type of floating-point values.
std::int64_t onnx_float_code(DType dtype);

/// dtype_from_onnx of an integer attribute; in Cast-1 the attribute is the type's name instead.
DType attr_dtype(const Node& node, std::string_view name);

}  // namespace nq
