#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "nq/types.hpp"

namespace nq {

/// Truncates toward zero and saturates at the limits of I; NaN becomes 0.
template <typename I, typename F>
I saturating_trunc(F value) noexcept {
  constexpr F lowest = static_cast<F>(std::numeric_limits<I>::min());
  // The upper limit itself may not be representable in F; its successor, a power of two, is.
  constexpr F beyond = static_cast<F>(std::uint64_t{1} << (std::numeric_limits<I>::digits - 1)) * F{2};
  F inside = value >= lowest ? value : lowest;
  inside = inside < beyond ? inside : lowest;
  I result = static_cast<I>(inside);
  result = value >= beyond ? std::numeric_limits<I>::max() : result;
  return value == value ? result : I{0};  // NaN differs from itself
}

/// ONNX Cast between native C++ types: integers drop high bits, floats truncate toward zero.
///
/// A float outside the target's range is undefined in ONNX. Here it saturates as a wider signed
/// integer (int32 for targets up to 16 bits and int32, else int64; the upper half for uint64),
/// whose high bits are then dropped; NaN becomes 0.
template <typename To, typename From>
To convert_element(From value) noexcept {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if constexpr (std::is_same_v<To, std::uint64_t>) {
      if (value >= From{0}) return saturating_trunc<std::uint64_t>(value);
      return static_cast<std::uint64_t>(saturating_trunc<std::int64_t>(value));
    } else if constexpr (sizeof(To) <= sizeof(std::int16_t) || std::is_same_v<To, std::int32_t>) {
      return static_cast<To>(saturating_trunc<std::int32_t>(value));
    } else {
      return static_cast<To>(saturating_trunc<std::int64_t>(value));
    }
  } else {
    return static_cast<To>(value);
  }
}

/// Converts `count` dense elements; the buffers do not overlap.
using Converter = void (*)(const std::byte* source, std::byte* target, std::int64_t count);

/// Converter between any two dtypes but string, with the rules of ONNX Cast; `saturate` matters for
/// float8 targets only. Throws Error(unsupported) for strings.
Converter find_converter(DType from, DType to, bool saturate = true);

}  // namespace nq
