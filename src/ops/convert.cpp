#include "ops/convert.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#ifdef __F16C__
#include <immintrin.h>
#endif

#include "core/check.hpp"
#include "core/float_formats.hpp"
#include "ops/check.hpp"

namespace nq {
namespace {

// Targets that are not C++ arithmetic types of their own.
struct BoolByte {
  std::uint8_t value;
};
struct Int4Byte {
  std::int8_t value;
};
struct UInt4Byte {
  std::uint8_t value;
};

template <typename F8>
struct Saturating {
  F8 value;
};

/// Rounds to float32 by truncation with a sticky last bit, so that a second rounding to a narrower
/// format gives what one rounding from `value` would have given.
float to_float_sticky(double value) {
  const auto rounded = static_cast<float>(value);
  if (std::isnan(value) || std::isinf(value) || static_cast<double>(rounded) == value) return rounded;
  auto bits = std::bit_cast<std::uint32_t>(rounded);
  if (std::fabs(static_cast<double>(rounded)) > std::fabs(value)) --bits;
  return std::bit_cast<float>(bits | 1U);
}
float to_float_sticky(float value) { return value; }
template <typename I>
float to_float_sticky(I value) {
  return to_float_sticky(static_cast<double>(value));
}

template <typename To>
struct Encode {
  template <typename From>
  static To from(From value) {
    return convert_element<To>(value);
  }
};
template <>
struct Encode<BoolByte> {
  template <typename From>
  static BoolByte from(From value) {
    return {static_cast<std::uint8_t>(value != From{0})};
  }
};
template <>
struct Encode<Int4Byte> {
  template <typename From>
  static Int4Byte from(From value) {
    const unsigned low = static_cast<unsigned>(convert_element<std::int32_t>(value)) & 0xFU;
    return {static_cast<std::int8_t>(static_cast<int>(low ^ 8U) - 8)};
  }
};
template <>
struct Encode<UInt4Byte> {
  template <typename From>
  static UInt4Byte from(From value) {
    return {static_cast<std::uint8_t>(static_cast<unsigned>(convert_element<std::int32_t>(value)) & 0xFU)};
  }
};
template <>
struct Encode<Half> {
  template <typename From>
  static Half from(From value) {
    return to_half(to_float_sticky(value));
  }
};
template <>
struct Encode<BFloat16> {
  template <typename From>
  static BFloat16 from(From value) {
    return to_bfloat16(to_float_sticky(value));
  }
};
template <int E, int M, int B, bool Inf, bool Nuz>
struct Encode<Float8<E, M, B, Inf, Nuz>> {
  template <typename From>
  static auto from(From value) {
    return to_float8<Float8<E, M, B, Inf, Nuz>>(to_float_sticky(value), false);
  }
};
template <typename F8>
struct Encode<Saturating<F8>> {
  template <typename From>
  static Saturating<F8> from(From value) {
    return {to_float8<F8>(to_float_sticky(value), true)};
  }
};

template <typename From, typename To>
void convert_native(const std::byte* source, std::byte* target, std::int64_t count) {
  const auto* in = reinterpret_cast<const From*>(source);
  auto* out = reinterpret_cast<To*>(target);
#pragma GCC ivdep
  for (std::int64_t i = 0; i < count; ++i) out[i] = Encode<To>::from(in[i]);
}

template <typename To>
void convert_bool(const std::byte* source, std::byte* target, std::int64_t count) {
  const auto* in = reinterpret_cast<const std::uint8_t*>(source);
  auto* out = reinterpret_cast<To*>(target);
  for (std::int64_t i = 0; i < count; ++i) out[i] = Encode<To>::from(in[i] != 0 ? 1 : 0);
}

template <typename From>
void decode(const From* in, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = to_float(in[i]);
}

#ifdef __F16C__
template <>
void decode<Half>(const Half* in, float* out, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i))));
  }
  for (; i < count; ++i) out[i] = to_float(in[i]);
}

template <>
void convert_native<float, Half>(const std::byte* source, std::byte* target, std::int64_t count) {
  const auto* in = reinterpret_cast<const float*>(source);
  auto* out = reinterpret_cast<Half*>(target);
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
  }
  for (; i < count; ++i) out[i] = to_half(in[i]);
}
#endif

/// float16, bfloat16 and float8 sources go through float32, which holds them exactly.
template <typename From, typename To>
void convert_decoded(const std::byte* source, std::byte* target, std::int64_t count) {
  constexpr std::int64_t kBlock = 256;
  std::array<float, kBlock> block;
  const auto* in = reinterpret_cast<const From*>(source);
  for (std::int64_t done = 0; done < count; done += kBlock) {
    const std::int64_t length = std::min(kBlock, count - done);
    decode(in + done, block.data(), length);
    convert_native<float, To>(reinterpret_cast<const std::byte*>(block.data()),
                              target + done * static_cast<std::int64_t>(sizeof(To)), length);
  }
}

template <typename From>
void decode_only(const std::byte* source, std::byte* target, std::int64_t count) {
  decode(reinterpret_cast<const From*>(source), reinterpret_cast<float*>(target), count);
}

template <std::size_t bytes>
void copy_elements(const std::byte* source, std::byte* target, std::int64_t count) {
  if (count > 0) std::memcpy(target, source, static_cast<std::size_t>(count) * bytes);
}

Converter find_copy(DType dtype) {
  switch (element_bytes(dtype)) {
    case 1: return copy_elements<1>;
    case 2: return copy_elements<2>;
    case 4: return copy_elements<4>;
    default: return copy_elements<8>;
  }
}

template <typename To>
Converter find_converter_to(DType from) {
  switch (from) {
    case DType::boolean: return convert_bool<To>;
    case DType::i4: return convert_native<std::int8_t, To>;
    case DType::u4: return convert_native<std::uint8_t, To>;
    case DType::f16: return convert_decoded<Half, To>;
    case DType::bf16: return convert_decoded<BFloat16, To>;
    case DType::f8e4m3fn: return convert_decoded<F8E4M3FN, To>;
    case DType::f8e4m3fnuz: return convert_decoded<F8E4M3FNUZ, To>;
    case DType::f8e5m2: return convert_decoded<F8E5M2, To>;
    case DType::f8e5m2fnuz: return convert_decoded<F8E5M2FNUZ, To>;
    case DType::string: fail(ErrorKind::unsupported, "string tensors cannot be converted");
    default:
      return visit_numeric(
          from, [](auto tag) -> Converter { return convert_native<typename decltype(tag)::type, To>; });
  }
}

template <typename F8>
Converter find_converter_to_float8(DType from, bool saturate) {
  return saturate ? find_converter_to<Saturating<F8>>(from) : find_converter_to<F8>(from);
}

Converter find_converter_to_float(DType from) {
  switch (from) {
    case DType::f16: return decode_only<Half>;
    case DType::bf16: return decode_only<BFloat16>;
    default: return find_converter_to<float>(from);
  }
}

}  // namespace

Converter find_converter(DType from, DType to, bool saturate) {
  if (from == to && from != DType::string && from != DType::boolean) return find_copy(from);
  switch (to) {
    case DType::f32: return find_converter_to_float(from);
    case DType::boolean: return find_converter_to<BoolByte>(from);
    case DType::i4: return find_converter_to<Int4Byte>(from);
    case DType::u4: return find_converter_to<UInt4Byte>(from);
    case DType::f16: return find_converter_to<Half>(from);
    case DType::bf16: return find_converter_to<BFloat16>(from);
    case DType::f8e4m3fn: return find_converter_to_float8<F8E4M3FN>(from, saturate);
    case DType::f8e4m3fnuz: return find_converter_to_float8<F8E4M3FNUZ>(from, saturate);
    case DType::f8e5m2: return find_converter_to_float8<F8E5M2>(from, saturate);
    case DType::f8e5m2fnuz: return find_converter_to_float8<F8E5M2FNUZ>(from, saturate);
    case DType::string: fail(ErrorKind::unsupported, "string tensors cannot be converted");
    default:
      return visit_numeric(to, [from](auto tag) -> Converter {
        return find_converter_to<typename decltype(tag)::type>(from);
      });
  }
}

}  // namespace nq
