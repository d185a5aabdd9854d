#include "fma_peak.hpp"

#include <immintrin.h>

#include <algorithm>
#include <cstdint>

#include "clock.hpp"

namespace nq::bench {
namespace {

constexpr int kChains = 12;
constexpr std::int64_t kSteps = 4'000'000;

// The chains live in registers; the empty assembly keeps the compiler from folding them.
__attribute__((target("avx512f"))) void run_avx512() {
  __m512 chain[kChains];
  for (__m512& value : chain) value = _mm512_set1_ps(1.0F);
  const __m512 factor = _mm512_set1_ps(0.5F);
  for (std::int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chain[i] = _mm512_fmadd_ps(chain[i], factor, factor);
  }
  for (__m512& value : chain) __asm__ volatile("" : : "v"(value));
}

__attribute__((target("avx2,fma"))) void run_avx2() {
  __m256 chain[kChains];
  for (__m256& value : chain) value = _mm256_set1_ps(1.0F);
  const __m256 factor = _mm256_set1_ps(0.5F);
  for (std::int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) chain[i] = _mm256_fmadd_ps(chain[i], factor, factor);
  }
  for (__m256& value : chain) __asm__ volatile("" : : "x"(value));
}

}  // namespace

double fma_peak_gflops() {
  const bool wide = __builtin_cpu_supports("avx512f") != 0;
  double best = 1e9;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const double start = seconds_now(1);
    wide ? run_avx512() : run_avx2();
    best = std::min(best, seconds_now(1) - start);
  }
  return 2e-9 * (wide ? 16 : 8) * kChains * static_cast<double>(kSteps) / best;
}

}  // namespace nq::bench
