#pragma once

#include <immintrin.h>

#include <cstdint>

// Sixteen float lanes on AVX-512. Included by exactly one translation unit, which is compiled with
// more instruction sets than the rest: everything here has internal linkage.

namespace nq::kernels {
namespace {

struct Lanes {
  __m512 v;
};
/// Sixteen double accumulators.
struct WideLanes {
  __m512d lo, hi;
};

constexpr int kTileRows = 14;    ///< rows of one register tile
constexpr int kTileVectors = 2;  ///< 16-lane vectors of one register tile row
/// Rows of A that a float product packs at a time, whole tiles. B is read once for them; they share the second-level cache with it.
constexpr std::int64_t kPackedRows = 210;
/// Largest depth of one pass over C.
constexpr std::int64_t kDepthBlock = 768;

inline __mmask16 first(std::int64_t count) { return static_cast<__mmask16>((1U << count) - 1U); }

inline Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, Lanes a) { _mm512_storeu_ps(p, a.v); }
inline Lanes splat(float x) { return {_mm512_set1_ps(x)}; }
inline Lanes load_part(const float* p, std::int64_t count, float fill) {
  return {_mm512_mask_loadu_ps(_mm512_set1_ps(fill), first(count), p)};
}
inline void store_part(float* p, Lanes a, std::int64_t count) { _mm512_mask_storeu_ps(p, first(count), a.v); }
inline Lanes add(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Lanes sub(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Lanes mul(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Lanes div(Lanes a, Lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
/// The second operand when either is NaN.
inline Lanes min(Lanes a, Lanes b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Lanes max(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }
/// The largest lane, where none is NaN.
inline float largest_lane(Lanes a) { return _mm512_reduce_max_ps(a.v); }
inline Lanes abs(Lanes a) { return {_mm512_abs_ps(a.v)}; }
inline Lanes minus_abs(Lanes a) { return {_mm512_or_ps(a.v, _mm512_set1_ps(-0.0F))}; }
/// table[the four lowest bits of a lane].
inline Lanes lookup(const float (&table)[16], Lanes a) {
  return {_mm512_permutexvar_ps(_mm512_castps_si512(a.v), _mm512_loadu_ps(table))};
}
inline Lanes round_even(Lanes a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// Lane-wise a < b ? x : y.
inline Lanes select_less(Lanes a, Lanes b, Lanes x, Lanes y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}

/// a * 2^n for integer-valued n in [-126, 127]; any value otherwise.
inline Lanes scale_exp2(Lanes a, Lanes n) { return {_mm512_scalef_ps(a.v, n.v)}; }

/// Nearest floats of the differences of sixteen 32-bit integers.
inline Lanes load_differences(const std::int32_t* p, const std::int32_t* offset) {
  return {_mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_loadu_si512(p), _mm512_loadu_si512(offset)))};
}

/// Lanes of integer value in [0, 255] as bytes.
inline void store_bytes(std::uint8_t* p, Lanes a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(a.v)));
}

inline WideLanes wide_zero() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
inline WideLanes widen(Lanes a) {
  return {_mm512_cvtps_pd(_mm512_castps512_ps256(a.v)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1))};
}
inline WideLanes add(WideLanes a, WideLanes b) {
  return {_mm512_add_pd(a.lo, b.lo), _mm512_add_pd(a.hi, b.hi)};
}
inline WideLanes fma(WideLanes a, WideLanes b, WideLanes c) {
  return {_mm512_fmadd_pd(a.lo, b.lo, c.lo), _mm512_fmadd_pd(a.hi, b.hi, c.hi)};
}
/// The upper half of the lanes is added to the lower until one is left.
inline double sum_lanes(WideLanes a) {
  const __m512d eight = _mm512_add_pd(a.lo, a.hi);
  const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

/// target[k * stride + row] = source[row * row_stride + k] for 16 k and rows < `rows` <= 16; the
/// lanes from `rows` to 16 of each target row are overwritten with zeros.
inline void transpose_step(const float* source, std::int64_t row_stride, std::int64_t rows, float* target,
                           std::int64_t stride) {
  __m512 v[16];
#pragma GCC unroll 16
  for (int row = 0; row < 16; ++row) {
    v[row] = row < rows ? _mm512_loadu_ps(source + row * row_stride) : _mm512_setzero_ps();
  }
  // Pairs, then quadruples, of rows inside each 128-bit block; then the blocks themselves.
  __m512 pairs[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
  }
  __m512 quads[16];
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    const auto low = [](__m512 a, __m512 b) {
      return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
    };
    const auto high = [](__m512 a, __m512 b) {
      return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
    };
    quads[i] = low(pairs[i], pairs[i + 2]);
    quads[i + 1] = high(pairs[i], pairs[i + 2]);
    quads[i + 2] = low(pairs[i + 1], pairs[i + 3]);
    quads[i + 3] = high(pairs[i + 1], pairs[i + 3]);
  }
  __m512 out[16];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512 low_even = _mm512_shuffle_f32x4(quads[i], quads[4 + i], 0x88);
    const __m512 low_odd = _mm512_shuffle_f32x4(quads[i], quads[4 + i], 0xDD);
    const __m512 high_even = _mm512_shuffle_f32x4(quads[8 + i], quads[12 + i], 0x88);
    const __m512 high_odd = _mm512_shuffle_f32x4(quads[8 + i], quads[12 + i], 0xDD);
    out[i] = _mm512_shuffle_f32x4(low_even, high_even, 0x88);
    out[4 + i] = _mm512_shuffle_f32x4(low_odd, high_odd, 0x88);
    out[8 + i] = _mm512_shuffle_f32x4(low_even, high_even, 0xDD);
    out[12 + i] = _mm512_shuffle_f32x4(low_odd, high_odd, 0xDD);
  }
#pragma GCC unroll 16
  for (int k = 0; k < 16; ++k) _mm512_storeu_ps(target + k * stride, out[k]);
}

}  // namespace
}  // namespace nq::kernels
