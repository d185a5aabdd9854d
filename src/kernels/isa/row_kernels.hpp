#pragma once

// Row kernels on sixteen lanes. Include after exactly one lanes_*.hpp.

#include "kernels/isa/row_parts.hpp"

namespace nq::kernels {
namespace {

void copy_panel(const float* source, std::int64_t row_stride, std::int64_t rows, std::int64_t cols, float* panel) {
  const std::int64_t used[] = {cols < 16 ? cols : 16, cols < 16 ? 0 : cols - 16};
  for (std::int64_t row = 0; row < rows; ++row) {
    store(panel + row * kPanelColumns, load_some(source + row * row_stride, used[0]));
    store(panel + row * kPanelColumns + 16, load_some(source + row * row_stride + 16, used[1]));
  }
}

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

constexpr float kMinusInfinity = -__builtin_inff();

/// Largest value of a row; NaN values are passed over.
inline float max_row(const float* x, std::int64_t count) {
  Lanes largest = splat(kMinusInfinity);
  for_each_vector(x, count, kMinusInfinity,
                  [&](Lanes v, std::int64_t, std::int64_t) { largest = max(v, largest); });
  return largest_lane(largest);
}

/// Rows that go through each pass together: no pass waits for the end of the one before it in its own row, and the group
/// stays in the first-level cache.
constexpr std::int64_t kRowGroup = 8;

template <typename Body>
inline void for_each_group(std::int64_t rows, Body body) {
  for (std::int64_t first = 0; first < rows; first += kRowGroup) {
    body(first, rows - first < kRowGroup ? rows - first : kRowGroup);
  }
}

/// Sums of positive values: four to a float, which costs two roundings of 2^-24, and those in double.
class Total {
 public:
  void add_vector(Lanes value, std::int64_t at) {
    part_ = add(part_, value);
    if (at % 64 == 48) flush();
  }
  double value() {
    flush();
    return sum_lanes(total_);
  }

 private:
  void flush() {
    total_ = add(total_, widen(part_));
    part_ = splat(0.0F);
  }

  Lanes part_ = splat(0.0F);
  WideLanes total_ = wide_zero();
};

/// y = e^(alpha x - shift); returns the sum.
inline double exp_row(const float* x, float* y, std::int64_t count, float alpha, float shift) {
  const Lanes scale = splat(alpha);
  const Lanes largest = splat(shift);
  Total total;
  for_each_vector(x, count, kMinusInfinity, [&](Lanes v, std::int64_t at, std::int64_t used) {
    // The product is rounded as that of the largest was: fused, the difference could be positive and large.
    const Lanes e = exp_nonpositive(sub(mul(v, scale), largest));
    total.add_vector(e, at);
    store_some(y + at, e, used);
  });
  return total.value();
}

inline void scale_row(float* y, std::int64_t count, float factor) {
  const Lanes scale = splat(factor);
  for_each_vector(y, count, 0.0F, [&](Lanes v, std::int64_t at, std::int64_t used) {
    store_some(y + at, mul(v, scale), used);
  });
}

/// Writes alpha x + addends of one row to y; returns the largest.
inline float add_row(const SoftmaxRows& s, std::int64_t row) {
  const Lanes scale = splat(s.alpha);
  const float* const first = s.addends[0] + row * s.addend_strides[0];
  const float* const second = s.addends[1] == nullptr ? nullptr : s.addends[1] + row * s.addend_strides[1];
  float* const y = s.y + row * s.y_stride;
  Lanes largest = splat(kMinusInfinity);
  for_each_vector(s.x + row * s.x_stride, s.cols, kMinusInfinity, [&](Lanes v, std::int64_t at, std::int64_t used) {
    Lanes sum = add(mul(v, scale), load_some(first + at, used));
    if (second != nullptr) sum = add(sum, load_some(second + at, used));
    store_some(y + at, sum, used);
    largest = max(used == 16 ? sum : load_part(y + at, used, kMinusInfinity), largest);
  });
  return largest_lane(largest);
}

void softmax_rows(const SoftmaxRows& s) {
  if (s.cols == 0) return;
  const bool adds = s.addends[0] != nullptr;
  const float* const x = adds ? s.y : s.x;
  const std::int64_t x_stride = adds ? s.y_stride : s.x_stride;
  const float alpha = adds ? 1.0F : s.alpha;
  for_each_group(s.rows, [&](std::int64_t first, std::int64_t rows) {
    float largest[kRowGroup];
    float inverse[kRowGroup];
    for (std::int64_t row = 0; row < rows; ++row) {
      // alpha is not negative, so the largest product belongs to the largest input.
      largest[row] = adds ? add_row(s, first + row) : max_row(x + (first + row) * x_stride, s.cols) * alpha;
    }
    float* const y = s.y + first * s.y_stride;
    for (std::int64_t row = 0; row < rows; ++row) {
      const double total = exp_row(x + (first + row) * x_stride, y + row * s.y_stride, s.cols, alpha, largest[row]);
      inverse[row] = static_cast<float>(1.0 / total);
    }
    for (std::int64_t row = 0; row < rows; ++row) scale_row(y + row * s.y_stride, s.cols, inverse[row]);
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

struct Moments {
  double mean, variance;
};

/// Both sums in one pass: a square of a float is exact in double, so that what cancels between mean square and square of the
/// mean stays below the rounding of the inputs themselves.
inline Moments moments_row(const float* x, std::int64_t count, bool center) {
  WideLanes total = wide_zero();
  WideLanes squares = wide_zero();
  for_each_vector(x, count, 0.0F, [&](Lanes v, std::int64_t, std::int64_t) {
    const WideLanes wide = widen(v);
    total = add(total, wide);
    squares = fma(wide, wide, squares);
  });
  const auto size = static_cast<double>(count);
  const double mean_square = sum_lanes(squares) / size;
  if (!center) return {0.0, mean_square};
  const double mean = sum_lanes(total) / size;
  const double variance = mean_square - mean * mean;
  return {mean, variance < 0.0 ? 0.0 : variance};
}

inline void normalize_row(const RowNorm& norm, const float* x, float* y, double mean, float inv_std) {
  // The mean in two floats: what is left after both differences has rounded once at its own size.
  const auto high = static_cast<float>(mean);
  const Lanes center = splat(high);
  const Lanes rest = splat(static_cast<float>(mean - static_cast<double>(high)));
  const Lanes factor = splat(inv_std);
  for_each_vector(x, norm.cols, 0.0F, [&](Lanes v, std::int64_t at, std::int64_t used) {
    const Lanes result = mul(sub(sub(v, center), rest), factor);
    const Lanes shift = norm.bias == nullptr ? splat(0.0F) : load_some(norm.bias + at, used);
    store_some(y + at, norm.scale == nullptr ? add(result, shift) : fma(result, load_some(norm.scale + at, used), shift), used);
  });
}

void normalize_rows(const RowNorm& norm, const float* x, float* y, std::int64_t rows, float* means, float* inv_stds) {
  for_each_group(rows, [&](std::int64_t first, std::int64_t group) {
    double mean[kRowGroup];
    float inv_std[kRowGroup];
    for (std::int64_t row = 0; row < group; ++row) {
      const Moments moments = moments_row(x + (first + row) * norm.cols, norm.cols, norm.center);
      mean[row] = moments.mean;
      inv_std[row] = static_cast<float>(1.0 / __builtin_sqrt(moments.variance + static_cast<double>(norm.epsilon)));
    }
    for (std::int64_t row = 0; row < group; ++row) {
      const std::int64_t at = (first + row) * norm.cols;
      normalize_row(norm, x + at, y + at, mean[row], inv_std[row]);
      if (means != nullptr) means[first + row] = static_cast<float>(mean[row]);
      if (inv_stds != nullptr) inv_stds[first + row] = inv_std[row];
    }
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
