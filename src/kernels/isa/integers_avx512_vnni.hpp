#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/isa/lanes_avx512.hpp"

// Integer accumulators on AVX-512 VNNI. Included by exactly one translation unit.

namespace nq::kernels {
namespace {

constexpr int kIntegerRows = 14;    ///< rows of one register tile
constexpr int kIntegerVectors = 2;  ///< 16-column vectors of one register tile row

/// Sums of sixteen columns.
struct IntegerLanes {
  __m512i v;
};
/// Four unsigned values of one row, repeated.
struct RowBytes {
  __m512i v;
};
/// Four signed values of each of sixteen columns.
struct ColumnBytes {
  __m512i v;
};

inline IntegerLanes integer_zero() { return {_mm512_setzero_si512()}; }
inline RowBytes load_row(const std::uint8_t* a) {
  int word;
  __builtin_memcpy(&word, a, 4);
  return {_mm512_set1_epi32(word)};
}
inline ColumnBytes load_columns(const std::int8_t* b) { return {_mm512_loadu_si512(b)}; }
inline IntegerLanes dot(IntegerLanes acc, RowBytes a, ColumnBytes b) {
  return {_mm512_dpbusd_epi32(acc.v, a.v, b.v)};
}
/// Nearest floats of sums minus sixteen offsets.
inline Lanes to_floats(IntegerLanes acc, const std::int32_t* offset) {
  return {_mm512_cvtepi32_ps(_mm512_sub_epi32(acc.v, _mm512_loadu_si512(offset)))};
}
inline void store(std::int32_t* p, IntegerLanes acc) { _mm512_storeu_si512(p, acc.v); }

}  // namespace
}  // namespace nq::kernels
