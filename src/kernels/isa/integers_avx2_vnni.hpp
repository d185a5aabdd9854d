#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/isa/lanes_avx2.hpp"

// Integer accumulators on AVX-VNNI. Included by exactly one translation unit.

namespace nq::kernels {
namespace {

constexpr int kIntegerRows = 6;     ///< rows of one register tile
constexpr int kIntegerVectors = 1;  ///< 16-column vectors of one register tile row

/// Sums of sixteen columns.
struct IntegerLanes {
  __m256i lo, hi;
};
/// Four unsigned values of one row, repeated.
struct RowBytes {
  __m256i v;
};
/// Four signed values of each of sixteen columns.
struct ColumnBytes {
  __m256i lo, hi;
};

inline IntegerLanes integer_zero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
inline RowBytes load_row(const std::uint8_t* a) {
  int word;
  __builtin_memcpy(&word, a, 4);
  return {_mm256_set1_epi32(word)};
}
inline ColumnBytes load_columns(const std::int8_t* b) {
  const auto* vectors = reinterpret_cast<const __m256i*>(b);
  return {_mm256_loadu_si256(vectors), _mm256_loadu_si256(vectors + 1)};
}
inline IntegerLanes dot(IntegerLanes acc, RowBytes a, ColumnBytes b) {
  return {_mm256_dpbusd_avx_epi32(acc.lo, a.v, b.lo), _mm256_dpbusd_avx_epi32(acc.hi, a.v, b.hi)};
}
/// Nearest floats of sums minus sixteen offsets.
inline Lanes to_floats(IntegerLanes acc, const std::int32_t* offset) {
  const auto* vectors = reinterpret_cast<const __m256i*>(offset);
  return {_mm256_cvtepi32_ps(_mm256_sub_epi32(acc.lo, _mm256_loadu_si256(vectors))),
          _mm256_cvtepi32_ps(_mm256_sub_epi32(acc.hi, _mm256_loadu_si256(vectors + 1)))};
}
inline void store(std::int32_t* p, IntegerLanes acc) {
  auto* vectors = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(vectors, acc.lo);
  _mm256_storeu_si256(vectors + 1, acc.hi);
}

}  // namespace
}  // namespace nq::kernels
