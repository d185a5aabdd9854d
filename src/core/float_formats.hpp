#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace nq {

/// float16 storage (IEEE 754 binary16). Conversion rounds to nearest, ties to even.
struct Half {
  std::uint16_t bits = 0;
};

/// bfloat16 storage (upper half of binary32). Conversion rounds to nearest, ties to even.
struct BFloat16 {
  std::uint16_t bits = 0;
};

/// Generic 8-bit float: exponent and mantissa widths, bias, and special-value convention.
template <int ExponentBits, int MantissaBits, int Bias, bool HasInfinity, bool NegativeZeroIsNan>
struct Float8 {
  std::uint8_t bits = 0;
  static constexpr int exponent_bits = ExponentBits;
  static constexpr int mantissa_bits = MantissaBits;
  static constexpr int bias = Bias;
  static constexpr bool has_infinity = HasInfinity;
  static constexpr bool negative_zero_is_nan = NegativeZeroIsNan;
};

// ONNX float8 types, docs "Float stored in 8 bits".
using F8E4M3FN = Float8<4, 3, 7, false, false>;
using F8E4M3FNUZ = Float8<4, 3, 8, false, true>;
using F8E5M2 = Float8<5, 2, 15, true, false>;
using F8E5M2FNUZ = Float8<5, 2, 16, false, true>;

inline float to_float(Half h) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(h.bits & 0x8000U) << 16;
  const std::uint32_t exponent = (h.bits >> 10) & 0x1FU;
  const std::uint32_t mantissa = h.bits & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13));
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

inline Half to_half(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return {static_cast<std::uint16_t>(sign | 0x7E00U)};
  if (magnitude >= 0x477FF000U) return {static_cast<std::uint16_t>(sign | 0x7C00U)};
  if (magnitude < 0x38800000U) {
    const float scaled = std::nearbyint(std::ldexp(std::bit_cast<float>(magnitude), 24));
    return {static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(scaled))};
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13) & 1U);
  return {static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>((rounded - 0x38000000U) >> 13))};
}

inline float to_float(BFloat16 b) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(b.bits) << 16);
}

inline BFloat16 to_bfloat16(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return {static_cast<std::uint16_t>((bits >> 16) | 0x40U)};
  return {static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16)};
}

template <int E, int M, int B, bool Inf, bool Nuz>
float to_float(Float8<E, M, B, Inf, Nuz> value) noexcept {
  const unsigned sign = value.bits >> 7;
  const unsigned exponent = (value.bits >> M) & ((1U << E) - 1);
  const unsigned mantissa = value.bits & ((1U << M) - 1);
  constexpr unsigned all_ones = (1U << E) - 1;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  if (Nuz && value.bits == 0x80) return nan;
  if (Inf && exponent == all_ones) {
    if (mantissa != 0) return nan;
    return sign != 0 ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::infinity();
  }
  if (!Inf && !Nuz && exponent == all_ones && mantissa == (1U << M) - 1) return nan;
  const float magnitude = exponent == 0
      ? std::ldexp(static_cast<float>(mantissa), 1 - B - M)
      : std::ldexp(static_cast<float>(mantissa + (1U << M)), static_cast<int>(exponent) - B - M);
  return sign != 0 ? -magnitude : magnitude;
}

/// Rounds to nearest even; overflow saturates when `saturate`, else becomes infinity or NaN.
/// Source: ONNX Cast (opset 19), table of the float8 conversions.
template <typename F8>
F8 to_float8(float value, bool saturate) noexcept {
  constexpr int m = F8::mantissa_bits;
  constexpr std::uint8_t largest = F8::has_infinity ? ((1U << F8::exponent_bits) - 1) * (1U << m) - 1
                                   : F8::negative_zero_is_nan ? 0x7F : 0x7E;
  constexpr std::uint8_t nan = F8::negative_zero_is_nan ? 0x80 : 0x7F;
  if (std::isnan(value)) return {nan};
  const bool negative = std::signbit(value);
  const auto with_sign = [negative](std::uint8_t magnitude) {
    if (F8::negative_zero_is_nan && magnitude == 0) return F8{0};
    return F8{static_cast<std::uint8_t>(magnitude | (negative ? 0x80U : 0U))};
  };
  const auto overflow = [&]() -> F8 {
    if (saturate) return with_sign(largest);
    return F8::has_infinity ? with_sign(largest + 1) : (F8::negative_zero_is_nan ? F8{nan} : with_sign(nan));
  };
  const float magnitude = std::fabs(value);
  if (std::isinf(magnitude)) return overflow();
  if (magnitude == 0.0F) return with_sign(0);
  int exponent = 0;
  (void)std::frexp(magnitude, &exponent);
  const int unit = std::max(exponent - 1, 1 - F8::bias) - m;
  const float steps = std::nearbyint(std::ldexp(magnitude, -unit));
  // Codes are ordered like the values, so the rounded step count indexes them directly.
  const int code = (unit + m - (1 - F8::bias)) * (1 << m) + static_cast<int>(steps);
  if (code > largest) return overflow();
  return with_sign(static_cast<std::uint8_t>(code));
}

}  // namespace nq
