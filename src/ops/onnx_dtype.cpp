#include "ops/onnx_dtype.hpp"

#include "core/check.hpp"

namespace nq {
namespace {

constexpr std::string_view kNames[] = {"UNDEFINED", "FLOAT",  "UINT8",  "INT8",   "UINT16",
                                       "INT16",     "INT32",  "INT64",  "STRING", "BOOL",
                                       "FLOAT16",   "DOUBLE", "UINT32", "UINT64"};

std::int64_t number_of_name(const std::string& text) {
  for (std::size_t number = 1; number < std::size(kNames); ++number) {
    if (kNames[number] == text) return static_cast<std::int64_t>(number);
  }
  fail(ErrorKind::input, "'{}' names no element type", text);
}

}  // namespace

DType dtype_from_onnx(std::int64_t number) {
  switch (number) {
    case 1: return DType::f32;
    case 2: return DType::u8;
    case 3: return DType::i8;
    case 4: return DType::u16;
    case 5: return DType::i16;
    case 6: return DType::i32;
    case 7: return DType::i64;
    case 8: return DType::string;
    case 9: return DType::boolean;
    case 10: return DType::f16;
    case 11: return DType::f64;
    case 12: return DType::u32;
    case 13: return DType::u64;
    case 16: return DType::bf16;
    case 17: return DType::f8e4m3fn;
    case 18: return DType::f8e4m3fnuz;
    case 19: return DType::f8e5m2;
    case 20: return DType::f8e5m2fnuz;
    case 21: return DType::u4;
    case 22: return DType::i4;
    case 14:
    case 15: fail(ErrorKind::unsupported, "complex tensors are not implemented");
    case 23: fail(ErrorKind::unsupported, "element type float4e2m1 is not implemented");
    case 24: fail(ErrorKind::unsupported, "element type float8e8m0 is not implemented");
    case 25: fail(ErrorKind::unsupported, "element type uint2 is not implemented");
    case 26: fail(ErrorKind::unsupported, "element type int2 is not implemented");
    default: fail(ErrorKind::input, "{} names no element type", number);
  }
}

std::int64_t onnx_float_code(DType dtype) {
  switch (dtype) {
    case DType::f32: return 1;
    case DType::f16: return 10;
    case DType::f64: return 11;
    case DType::bf16: return 16;
    default: fail(ErrorKind::internal, "{} is no float type that layers compute in", to_string(dtype));
  }
}

DType attr_dtype(const Node& node, std::string_view name) {
  const auto found = node.attributes.find(name);
  if (found != node.attributes.end()) {
    if (const auto* text = std::get_if<std::string>(&found->second)) {
      return dtype_from_onnx(number_of_name(*text));
    }
  }
  return dtype_from_onnx(attr_int(node, name, 0));
}

}  // namespace nq
