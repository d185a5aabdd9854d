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
inline Lanes abs(Lanes a) { return {_mm512_abs_ps(a.v)}; }
inline Lanes round_even(Lanes a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// Lane-wise a < b ? x : y.
inline Lanes select_less(Lanes a, Lanes b, Lanes x, Lanes y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}
/// 2^n for integer-valued n in [-126, 127].
inline Lanes exp2_integer(Lanes n) {
  const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(biased, 23))};
}

inline WideLanes wide_zero() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
inline WideLanes widen(Lanes a) {
  return {_mm512_cvtps_pd(_mm512_castps512_ps256(a.v)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1))};
}
inline Lanes narrow(WideLanes a) {
  return {_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(a.lo)), _mm512_cvtpd_ps(a.hi), 1)};
}
inline WideLanes wide_splat(double x) { return {_mm512_set1_pd(x), _mm512_set1_pd(x)}; }
inline WideLanes add(WideLanes a, WideLanes b) {
  return {_mm512_add_pd(a.lo, b.lo), _mm512_add_pd(a.hi, b.hi)};
}
inline WideLanes sub(WideLanes a, WideLanes b) {
  return {_mm512_sub_pd(a.lo, b.lo), _mm512_sub_pd(a.hi, b.hi)};
}
inline WideLanes fma(WideLanes a, WideLanes b, WideLanes c) {
  return {_mm512_fmadd_pd(a.lo, b.lo, c.lo), _mm512_fmadd_pd(a.hi, b.hi, c.hi)};
}
inline void store(double* p, WideLanes a) {
  _mm512_storeu_pd(p, a.lo);
  _mm512_storeu_pd(p + 8, a.hi);
}

}  // namespace
}  // namespace nq::kernels
