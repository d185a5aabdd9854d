#pragma once

#include <immintrin.h>

#include <cstdint>

// Sixteen float lanes as two AVX2 registers. Included by exactly one translation unit; everything
// here has internal linkage.

namespace nq::kernels {
namespace {

struct Lanes {
  __m256 lo, hi;
};
/// Sixteen double accumulators.
struct WideLanes {
  __m256d v[4];
};

constexpr int kTileRows = 6;     ///< rows of one register tile
constexpr int kTileVectors = 1;  ///< 16-lane vectors of one register tile row
/// Rows of A that a float product packs at a time, whole tiles. B is read once for them; they share the second-level cache with it.
constexpr std::int64_t kPackedRows = 84;
/// Largest depth of one pass over C.
constexpr std::int64_t kDepthBlock = 512;

inline Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline void store(float* p, Lanes a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
inline Lanes splat(float x) {
  const __m256 v = _mm256_set1_ps(x);
  return {v, v};
}
inline Lanes load_part(const float* p, std::int64_t count, float fill) {
  alignas(32) float lanes[16];
  for (std::int64_t lane = 0; lane < 16; ++lane) lanes[lane] = lane < count ? p[lane] : fill;
  return load(lanes);
}
inline void store_part(float* p, Lanes a, std::int64_t count) {
  alignas(32) float lanes[16];
  store(lanes, a);
  for (std::int64_t lane = 0; lane < count; ++lane) p[lane] = lanes[lane];
}
inline Lanes add(Lanes a, Lanes b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
inline Lanes sub(Lanes a, Lanes b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
inline Lanes mul(Lanes a, Lanes b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
inline Lanes div(Lanes a, Lanes b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
/// The second operand when either is NaN.
inline Lanes min(Lanes a, Lanes b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
inline Lanes max(Lanes a, Lanes b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
/// The largest lane, where none is NaN.
inline float largest_lane(Lanes a) {
  const __m256 eight = _mm256_max_ps(a.lo, a.hi);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
inline Lanes abs(Lanes a) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
inline Lanes minus_abs(Lanes a) {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  return {_mm256_or_ps(sign, a.lo), _mm256_or_ps(sign, a.hi)};
}
/// table[the four lowest bits of a lane].
inline Lanes lookup(const float (&table)[16], Lanes a) {
  const __m256 first = _mm256_loadu_ps(table);
  const __m256 second = _mm256_loadu_ps(table + 8);
  const auto half = [&](__m256 part) {
    const __m256i index = _mm256_castps_si256(part);
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(first, index), _mm256_permutevar8x32_ps(second, index),
                            _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
  };
  return {half(a.lo), half(a.hi)};
}
inline Lanes round_even(Lanes a) {
  constexpr int mode = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.lo, mode), _mm256_round_ps(a.hi, mode)};
}
/// Lane-wise a < b ? x : y.
inline Lanes select_less(Lanes a, Lanes b, Lanes x, Lanes y) {
  return {_mm256_blendv_ps(y.lo, x.lo, _mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)),
          _mm256_blendv_ps(y.hi, x.hi, _mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))};
}
/// 2^n for integer-valued n in [-126, 127].
inline Lanes exp2_integer(Lanes n) {
  const auto half = [](__m256 part) {
    const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(part), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
  };
  return {half(n.lo), half(n.hi)};
}

/// a * 2^n for integer-valued n in [-126, 127]; any value otherwise.
inline Lanes scale_exp2(Lanes a, Lanes n) { return mul(a, exp2_integer(n)); }

/// Nearest floats of the differences of sixteen 32-bit integers.
inline Lanes load_differences(const std::int32_t* p, const std::int32_t* offset) {
  const auto* values = reinterpret_cast<const __m256i*>(p);
  const auto* offsets = reinterpret_cast<const __m256i*>(offset);
  return {_mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_loadu_si256(values), _mm256_loadu_si256(offsets))),
          _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_loadu_si256(values + 1), _mm256_loadu_si256(offsets + 1)))};
}

/// Lanes of integer value in [0, 255] as bytes.
inline void store_bytes(std::uint8_t* p, Lanes a) {
  const __m256i words =
      _mm256_permute4x64_epi64(_mm256_packus_epi32(_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi)), 0xD8);
  const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}

inline WideLanes wide_zero() {
  const __m256d zero = _mm256_setzero_pd();
  return {{zero, zero, zero, zero}};
}
inline WideLanes widen(Lanes a) {
  return {{_mm256_cvtps_pd(_mm256_castps256_ps128(a.lo)), _mm256_cvtps_pd(_mm256_extractf128_ps(a.lo, 1)),
           _mm256_cvtps_pd(_mm256_castps256_ps128(a.hi)), _mm256_cvtps_pd(_mm256_extractf128_ps(a.hi, 1))}};
}
inline WideLanes add(WideLanes a, WideLanes b) {
  for (int i = 0; i < 4; ++i) a.v[i] = _mm256_add_pd(a.v[i], b.v[i]);
  return a;
}
inline WideLanes fma(WideLanes a, WideLanes b, WideLanes c) {
  for (int i = 0; i < 4; ++i) a.v[i] = _mm256_fmadd_pd(a.v[i], b.v[i], c.v[i]);
  return a;
}
/// The upper half of the lanes is added to the lower until one is left.
inline double sum_lanes(WideLanes a) {
  const __m256d four = _mm256_add_pd(_mm256_add_pd(a.v[0], a.v[2]), _mm256_add_pd(a.v[1], a.v[3]));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/// transpose_step for 8 k and at most 8 rows, eight lanes per target row.
inline void transpose_block(const float* source, std::int64_t row_stride, std::int64_t rows, float* target,
                            std::int64_t stride) {
  __m256 v[8];
#pragma GCC unroll 8
  for (int row = 0; row < 8; ++row) {
    v[row] = row < rows ? _mm256_loadu_ps(source + row * row_stride) : _mm256_setzero_ps();
  }
  __m256 quads[8];
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    const __m256 low_first = _mm256_unpacklo_ps(v[i], v[i + 1]);
    const __m256 high_first = _mm256_unpackhi_ps(v[i], v[i + 1]);
    const __m256 low_last = _mm256_unpacklo_ps(v[i + 2], v[i + 3]);
    const __m256 high_last = _mm256_unpackhi_ps(v[i + 2], v[i + 3]);
    quads[i] = _mm256_shuffle_ps(low_first, low_last, 0x44);
    quads[i + 1] = _mm256_shuffle_ps(low_first, low_last, 0xEE);
    quads[i + 2] = _mm256_shuffle_ps(high_first, high_last, 0x44);
    quads[i + 3] = _mm256_shuffle_ps(high_first, high_last, 0xEE);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(target + i * stride, _mm256_permute2f128_ps(quads[i], quads[4 + i], 0x20));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(target + (4 + i) * stride, _mm256_permute2f128_ps(quads[i], quads[4 + i], 0x31));
  }
}

/// target[k * stride + row] = source[row * row_stride + k] for 16 k and rows < `rows` <= 16; the
/// lanes from `rows` to 16 of each target row may be overwritten with zeros.
inline void transpose_step(const float* source, std::int64_t row_stride, std::int64_t rows, float* target,
                           std::int64_t stride) {
  if (rows <= 8 && stride < 16) {
    transpose_block(source, row_stride, rows, target, stride);
    transpose_block(source + 8, row_stride, rows, target + 8 * stride, stride);
    return;
  }
  for (int k = 0; k < 16; k += 8) {
    for (int row = 0; row < 16; row += 8) {
      transpose_block(source + row * row_stride + k, row_stride, rows - row, target + k * stride + row,
                      stride);
    }
  }
}

}  // namespace
}  // namespace nq::kernels
