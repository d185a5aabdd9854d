#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/isa/lanes_avx2.hpp"

// Integer accumulators on AVX2 without dot-product instructions. Bytes are widened to 16 bits
// first: the byte multiply-add of AVX2 saturates, pairs of 16-bit products do not. Included by
// exactly one translation unit.

namespace nq::kernels {
namespace {

constexpr int kIntegerRows = 3;     ///< rows of one register tile
constexpr int kIntegerVectors = 1;  ///< 16-column vectors of one register tile row

/// Two partial sums of each of sixteen columns, four columns per register.
struct IntegerLanes {
  __m256i v[4];
};
/// Four unsigned values of one row as 16-bit words, repeated.
struct RowBytes {
  __m256i v;
};
/// Four signed values of each of sixteen columns, still bytes.
struct ColumnBytes {
  const __m128i* p;
};

inline IntegerLanes integer_zero() {
  const __m256i zero = _mm256_setzero_si256();
  return {{zero, zero, zero, zero}};
}
inline RowBytes load_row(const std::uint8_t* a) {
  int word;
  __builtin_memcpy(&word, a, 4);
  return {_mm256_cvtepu8_epi16(_mm_set1_epi32(word))};
}
inline ColumnBytes load_columns(const std::int8_t* b) { return {reinterpret_cast<const __m128i*>(b)}; }
inline IntegerLanes dot(IntegerLanes acc, RowBytes a, ColumnBytes b) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m256i words = _mm256_cvtepi8_epi16(_mm_loadu_si128(b.p + i));
    acc.v[i] = _mm256_add_epi32(acc.v[i], _mm256_madd_epi16(a.v, words));
  }
  return acc;
}
/// Columns 8 * half to 8 * half + 7.
inline __m256i columns_of(IntegerLanes acc, int half) {
  // The horizontal sum leaves the column pairs in the order 0, 2, 1, 3.
  return _mm256_permute4x64_epi64(_mm256_hadd_epi32(acc.v[2 * half], acc.v[2 * half + 1]), 0xD8);
}
/// Nearest floats of sums minus sixteen offsets.
inline Lanes to_floats(IntegerLanes acc, const std::int32_t* offset) {
  const auto* vectors = reinterpret_cast<const __m256i*>(offset);
  return {_mm256_cvtepi32_ps(_mm256_sub_epi32(columns_of(acc, 0), _mm256_loadu_si256(vectors))),
          _mm256_cvtepi32_ps(_mm256_sub_epi32(columns_of(acc, 1), _mm256_loadu_si256(vectors + 1)))};
}
inline void store(std::int32_t* p, IntegerLanes acc) {
  auto* vectors = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(vectors, columns_of(acc, 0));
  _mm256_storeu_si256(vectors + 1, columns_of(acc, 1));
}

}  // namespace
}  // namespace nq::kernels
