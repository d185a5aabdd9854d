#include "ops/scatter_reduction.hpp"

#include <cmath>
#include <cstring>
#include <type_traits>

#include "core/float_formats.hpp"
#include "ops/check.hpp"

namespace nq {
namespace {

template <std::size_t kBytes>
void replace(std::byte* target, const std::byte* updates, std::int64_t count) {
  std::memcpy(target, updates, static_cast<std::size_t>(count) * kBytes);
}

Combine find_replace(DType dtype) {
  switch (element_bytes(dtype)) {
    case 1: return replace<1>;
    case 2: return replace<2>;
    case 4: return replace<4>;
    default: return replace<8>;
  }
}

// Arithmetic in a type where it is defined for every value: integers wrap as unsigned 64-bit.

struct Add {
  template <typename T>
  static T apply(T a, T b) {
    if constexpr (std::is_same_v<T, bool>)
      return a || b;
    else if constexpr (std::is_integral_v<T>)
      return static_cast<T>(std::uint64_t(a) + std::uint64_t(b));
    else
      return a + b;
  }
};

struct Mul {
  template <typename T>
  static T apply(T a, T b) {
    if constexpr (std::is_same_v<T, bool>)
      return a && b;
    else if constexpr (std::is_integral_v<T>)
      return static_cast<T>(std::uint64_t(a) * std::uint64_t(b));
    else
      return a * b;
  }
};

template <typename T>
bool is_nan(T value) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(value);
  return false;
}

struct Max {
  template <typename T>
  static T apply(T a, T b) {
    return is_nan(a) || a > b ? a : b;
  }
};

struct Min {
  template <typename T>
  static T apply(T a, T b) {
    return is_nan(a) || a < b ? a : b;
  }
};

template <typename Op, typename T>
void combine(std::byte* target, const std::byte* updates, std::int64_t count) {
  T* to = reinterpret_cast<T*>(target);
  const T* from = reinterpret_cast<const T*>(updates);
  for (std::int64_t k = 0; k < count; ++k) {
    if constexpr (std::is_same_v<T, Half>)
      to[k] = to_half(Op::apply(to_float(to[k]), to_float(from[k])));
    else if constexpr (std::is_same_v<T, BFloat16>)
      to[k] = to_bfloat16(Op::apply(to_float(to[k]), to_float(from[k])));
    else
      to[k] = Op::apply(to[k], from[k]);
  }
}

template <typename Op>
Combine find_arithmetic(DType dtype) {
  switch (dtype) {
    case DType::f16: return combine<Op, Half>;
    case DType::bf16: return combine<Op, BFloat16>;
    case DType::boolean: return combine<Op, bool>;
    default: break;
  }
  NQ_CHECK(is_numeric(dtype), unsupported, "a scatter reduction of {} is not implemented", to_string(dtype));
  return visit_numeric(dtype, [](auto tag) -> Combine { return combine<Op, typename decltype(tag)::type>; });
}

}  // namespace

Combine find_combine(std::string_view reduction, DType dtype) {
  if (reduction == "none") return find_replace(dtype);
  if (reduction == "add") return find_arithmetic<Add>(dtype);
  if (reduction == "mul") return find_arithmetic<Mul>(dtype);
  if (reduction == "max") return find_arithmetic<Max>(dtype);
  if (reduction == "min") return find_arithmetic<Min>(dtype);
  fail(ErrorKind::input, "scatter reduction is '{}'", reduction);
}

}  // namespace nq
