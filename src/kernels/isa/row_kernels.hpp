#pragma once

// Row kernels on sixteen lanes. Include after exactly one lanes_*.hpp.

#include "kernels/isa/row_parts.hpp"

namespace nq::kernels {
namespace {

template <Lanes (*Function)(Lanes)>
void map_array(const float* x, float* y, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + 16 <= count; i += 16) store(y + i, Function(load(x + i)));
  if (i < count) store_part(y + i, Function(load_part(x + i, count - i, 0.0F)), count - i);
}

/// Calls body(lanes, position, lanes used) along a row; the rest of a last vector holds `fill`.
template <typename Body>
inline void for_each_vector(const float* x, std::int64_t count, float fill, Body body) {
  std::int64_t i = 0;
  for (; i + 16 <= count; i += 16) body(load(x + i), i, std::int64_t{16});
  if (i < count) body(load_part(x + i, count - i, fill), i, count - i);
}

inline double sum_lanes(WideLanes a) {
  double lanes[16];
  store(lanes, a);
  for (int width = 8; width > 0; width /= 2) {
    for (int lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  return lanes[0];
}

constexpr float kMinusInfinity = -__builtin_inff();

/// Largest value of a row; NaN values are passed over.
inline float max_row(const float* x, std::int64_t count) {
  Lanes largest = splat(kMinusInfinity);
  for_each_vector(x, count, kMinusInfinity,
                  [&](Lanes v, std::int64_t, std::int64_t) { largest = max(v, largest); });
  float lanes[16];
  store(lanes, largest);
  float result = lanes[0];
  for (int lane = 1; lane < 16; ++lane) result = lanes[lane] > result ? lanes[lane] : result;
  return result;
}

void softmax_row(const float* x, float* y, std::int64_t count, float alpha) {
  if (count == 0) return;
  // alpha is never negative here, so the largest product belongs to the largest input.
  const float largest = max_row(x, count) * alpha;
  const Lanes scale = splat(alpha);
  const Lanes shift = splat(largest);
  WideLanes total = wide_zero();
  for_each_vector(x, count, kMinusInfinity, [&](Lanes v, std::int64_t at, std::int64_t used) {
    // The product is rounded as that of the largest was: fused, the difference could be positive and large.
    const Lanes e = exp_nonpositive(sub(mul(v, scale), shift));
    total = add(total, widen(e));
    store_some(y + at, e, used);
  });
  const Lanes inverse = splat(static_cast<float>(1.0 / sum_lanes(total)));
  for_each_vector(y, count, 0.0F, [&](Lanes v, std::int64_t at, std::int64_t used) {
    store_some(y + at, mul(v, inverse), used);
  });
}

void log_softmax_row(const float* x, float* y, std::int64_t count) {
  if (count == 0) return;
  const Lanes shift = splat(max_row(x, count));
  WideLanes total = wide_zero();
  for_each_vector(x, count, kMinusInfinity, [&](Lanes v, std::int64_t, std::int64_t) {
    total = add(total, widen(exp_nonpositive(sub(v, shift))));
  });
  const Lanes log_total = splat(static_cast<float>(__builtin_log(sum_lanes(total))));
  for_each_vector(x, count, 0.0F, [&](Lanes v, std::int64_t at, std::int64_t used) {
    store_some(y + at, sub(sub(v, shift), log_total), used);
  });
}

void squares_row(const float* x, std::int64_t count, double* squares) {
  WideLanes total = wide_zero();
  for_each_vector(x, count, 0.0F, [&](Lanes v, std::int64_t, std::int64_t) {
    const WideLanes wide = widen(v);
    total = fma(wide, wide, total);
  });
  *squares = sum_lanes(total);
}

void moments_row(const float* x, std::int64_t count, double* mean, double* squares) {
  WideLanes total = wide_zero();
  for_each_vector(x, count, 0.0F, [&](Lanes v, std::int64_t, std::int64_t) { total = add(total, widen(v)); });
  *mean = sum_lanes(total) / static_cast<double>(count);
  const WideLanes center = wide_splat(*mean);
  const float fill = 0.0F;
  WideLanes deviations = wide_zero();
  const std::int64_t whole = count / 16 * 16;
  for_each_vector(x, whole, fill, [&](Lanes v, std::int64_t, std::int64_t) {
    const WideLanes d = sub(widen(v), center);
    deviations = fma(d, d, deviations);
  });
  double result = sum_lanes(deviations);
  for (std::int64_t i = whole; i < count; ++i) {
    const double d = static_cast<double>(x[i]) - *mean;
    result = __builtin_fma(d, d, result);
  }
  *squares = result;
}

void normalize_row(const float* x, float* y, std::int64_t count, double mean, float inv_std,
                   const float* scale, const float* bias) {
  const WideLanes center = wide_splat(mean);
  const Lanes factor = splat(inv_std);
  for_each_vector(x, count, 0.0F, [&](Lanes v, std::int64_t at, std::int64_t used) {
    Lanes result = mul(narrow(sub(widen(v), center)), factor);
    const Lanes shift = bias == nullptr ? splat(0.0F) : load_some(bias + at, used);
    if (scale != nullptr) {
      result = fma(result, load_some(scale + at, used), shift);
    } else {
      result = add(result, shift);
    }
    store_some(y + at, result, used);
  });
}

void quantize(const QuantizeRow& grid, const float* x, std::uint8_t* y, std::int64_t count) {
  const Lanes scale = splat(grid.scale);
  const Lanes zero_point = splat(grid.zero_point);
  const Lanes low = splat(grid.low);
  const Lanes high = splat(grid.high);
  for_each_vector(x, count, 0.0F, [&](Lanes v, std::int64_t at, std::int64_t used) {
    // The comparisons return their second operand for NaN, so the bounds come second here.
    const Lanes value = min(max(add(round_even(div(v, scale)), zero_point), low), high);
    if (used == 16) {
      store_bytes(y + at, value);
      return;
    }
    std::uint8_t bytes[16];
    store_bytes(bytes, value);
    for (std::int64_t i = 0; i < used; ++i) y[at + i] = bytes[i];
  });
}

}  // namespace
}  // namespace nq::kernels
