#include "nq/types.hpp"

#include "core/check.hpp"

namespace nq {

std::size_t element_bytes(DType dtype) noexcept {
  switch (dtype) {
    case DType::f64: case DType::i64: case DType::u64: return 8;
    case DType::f32: case DType::i32: case DType::u32: return 4;
    case DType::f16: case DType::bf16: case DType::i16: case DType::u16: return 2;
    case DType::string: return 0;
    default: return 1;
  }
}

std::string_view to_string(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32: return "float32";
    case DType::f64: return "float64";
    case DType::f16: return "float16";
    case DType::bf16: return "bfloat16";
    case DType::i8: return "int8";
    case DType::u8: return "uint8";
    case DType::i16: return "int16";
    case DType::u16: return "uint16";
    case DType::i32: return "int32";
    case DType::u32: return "uint32";
    case DType::i64: return "int64";
    case DType::u64: return "uint64";
    case DType::boolean: return "bool";
    case DType::i4: return "int4";
    case DType::u4: return "uint4";
    case DType::f8e4m3fn: return "float8e4m3fn";
    case DType::f8e4m3fnuz: return "float8e4m3fnuz";
    case DType::f8e5m2: return "float8e5m2";
    case DType::f8e5m2fnuz: return "float8e5m2fnuz";
    case DType::string: return "string";
  }
  return "unknown";
}

bool is_float(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32: case DType::f64: case DType::f16: case DType::bf16:
    case DType::f8e4m3fn: case DType::f8e4m3fnuz: case DType::f8e5m2: case DType::f8e5m2fnuz:
      return true;
    default: return false;
  }
}

bool is_integer(DType dtype) noexcept {
  return !is_float(dtype) && dtype != DType::boolean && dtype != DType::string;
}

std::int64_t Shape::elements() const {
  std::int64_t count = 1;
  bool zero = false;
  for (const std::int64_t dim : dims_) {
    NQ_CHECK(dim >= 0, input, "negative dimension in shape {}", to_string(*this));
    NQ_CHECK(dim <= kMaxElements, resource, "shape {} has a dimension above 2^34", to_string(*this));
    zero = zero || dim == 0;
  }
  if (zero) return 0;
  for (const std::int64_t dim : dims_) {
    NQ_CHECK(dim <= kMaxElements / count, resource, "shape {} has more than 2^34 elements", to_string(*this));
    count *= dim;
  }
  return count;
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ","));
}

int normalize_axis(std::int64_t axis, int rank) {
  NQ_CHECK(axis >= -rank && axis < rank, input, "axis {} is outside rank {}", axis, rank);
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::size_t TensorType::bytes() const {
  return static_cast<std::size_t>(shape.elements()) * element_bytes(dtype);
}

std::string to_string(const TensorType& type) {
  return fmt::format("{}{}", to_string(type.dtype), to_string(type.shape));
}

}  // namespace nq
