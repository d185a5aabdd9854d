#include "ops/array_math.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "kernels/rows.hpp"

namespace nq {
namespace {

constexpr std::int64_t kBlock = 256;

/// tanh(x) for |x| < kSmall as x + x z p(z) with z = x^2; p is a minimax fit, relative error 2e-10.
constexpr float kSmall = 0.625F;
float tanh_small(float x) {
  const float z = x * x;
  float p = 0.0021429588F;
  p = p * z - 0.008177395F;
  p = p * z + 0.0217007F;
  p = p * z - 0.053946763F;
  p = p * z + 0.13333206F;
  p = p * z - 0.3333333135F;
  return x + x * (z * p);
}

}  // namespace

void tanh_array(const float* x, float* y, std::int64_t count) {
  std::array<float, kBlock> large;
  std::array<float, kBlock> small;
  for (std::int64_t done = 0; done < count; done += kBlock) {
    const std::int64_t length = std::min(kBlock, count - done);
    const float* in = x + done;
    for (std::int64_t i = 0; i < length; ++i) large[i] = 2.0F * std::fabs(in[i]);
    kernels::exp_array(large.data(), large.data(), length);
    // Both forms are computed for every element: a choice between two stored values vectorizes.
    for (std::int64_t i = 0; i < length; ++i) large[i] = 1.0F - 2.0F / (large[i] + 1.0F);
    for (std::int64_t i = 0; i < length; ++i) small[i] = tanh_small(std::fabs(in[i]));
#pragma GCC ivdep
    for (std::int64_t i = 0; i < length; ++i) {
      y[done + i] = std::copysign(std::fabs(in[i]) >= kSmall ? large[i] : small[i], in[i]);
    }
  }
}

void sigmoid_array(const float* x, float* y, std::int64_t count) {
  std::array<float, kBlock> exponential;
  for (std::int64_t done = 0; done < count; done += kBlock) {
    const std::int64_t length = std::min(kBlock, count - done);
    for (std::int64_t i = 0; i < length; ++i) exponential[i] = -x[done + i];
    kernels::exp_array(exponential.data(), exponential.data(), length);
    for (std::int64_t i = 0; i < length; ++i) y[done + i] = 1.0F / (1.0F + exponential[i]);
  }
}

}  // namespace nq
