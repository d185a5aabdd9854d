#pragma once

#include <initializer_list>
#include <memory>
#include <type_traits>

#include "core/check.hpp"
#include "core/float_formats.hpp"
#include "nq/op.hpp"

// Helpers that the operator files share: arity, element types, and dispatch on them.

namespace nq {

/// Inclusive range of an input or output count.
struct Arity {
  int min = 1;
  int max = 1;
};

/// Checks the counts of a node; the first `inputs.min` inputs and `outputs.min` outputs must be
/// present, not only counted. Throws Error(input).
void check_arity(const OpContext& context, Arity inputs, Arity outputs = {1, 1});

/// Throws Error(input) unless input i has one of `allowed`. An absent input is an error.
void check_dtype(const OpContext& context, int i, std::initializer_list<DType> allowed);

/// Throws Error(input) unless input i is float32 or float64 (float16 and bfloat16 arrive promoted).
void check_float(const OpContext& context, int i);

/// Throws Error(input) unless inputs i and j have equal element types.
void check_same_dtype(const OpContext& context, int i, int j);

/// float32, float64 or an 8 to 64-bit integer: what visit_numeric accepts.
bool is_numeric(DType dtype) noexcept;

/// Throws: input i of `context` has a type that the operator does not take. Error(unsupported) for
/// strings and float8, which some operators take by the standard, else Error(input).
[[noreturn]] void fail_dtype(const OpContext& context, int i);

/// Names a C++ element type in a generic lambda: `using T = typename decltype(tag)::type`.
template <typename T>
struct TypeTag {
  using type = T;
};

/// Calls visitor(TypeTag<T>{}) with T = float or double. Error(internal) for other types.
template <typename Visitor>
decltype(auto) visit_float(DType dtype, Visitor&& visitor) {
  switch (dtype) {
    case DType::f32: return visitor(TypeTag<float>{});
    case DType::f64: return visitor(TypeTag<double>{});
    default: fail(ErrorKind::internal, "no float kernel for {}", to_string(dtype));
  }
}

/// Calls visitor(TypeTag<T>{}) with T an 8 to 64-bit integer. Error(internal) for other types.
template <typename Visitor>
decltype(auto) visit_integer(DType dtype, Visitor&& visitor) {
  switch (dtype) {
    case DType::i8: return visitor(TypeTag<std::int8_t>{});
    case DType::u8: return visitor(TypeTag<std::uint8_t>{});
    case DType::i16: return visitor(TypeTag<std::int16_t>{});
    case DType::u16: return visitor(TypeTag<std::uint16_t>{});
    case DType::i32: return visitor(TypeTag<std::int32_t>{});
    case DType::u32: return visitor(TypeTag<std::uint32_t>{});
    case DType::i64: return visitor(TypeTag<std::int64_t>{});
    case DType::u64: return visitor(TypeTag<std::uint64_t>{});
    default: fail(ErrorKind::internal, "no integer kernel for {}", to_string(dtype));
  }
}

/// visit_float and visit_integer together.
template <typename Visitor>
decltype(auto) visit_numeric(DType dtype, Visitor&& visitor) {
  if (dtype == DType::f32 || dtype == DType::f64) return visit_float(dtype, visitor);
  return visit_integer(dtype, visitor);
}

/// Kernel as returned by OpDef::bind.
using KernelPtr = std::unique_ptr<const Kernel>;

}  // namespace nq
