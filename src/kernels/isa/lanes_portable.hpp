#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

// Sixteen float lanes in plain C++, for processors without AVX2 and as the reference of the other
// two. Included by exactly one translation unit; everything here has internal linkage.

namespace nq::kernels {
namespace {

struct Lanes {
  float v[16];
};
/// Sixteen double accumulators.
struct WideLanes {
  double v[16];
};

constexpr int kTileRows = 4;     ///< rows of one register tile
constexpr int kTileVectors = 1;  ///< 16-lane vectors of one register tile row
/// Rows of A that a float product packs at a time, whole tiles. B is read once for them; they share the second-level cache with it.
constexpr std::int64_t kPackedRows = 84;
/// Largest depth of one pass over C.
constexpr std::int64_t kDepthBlock = 512;

template <typename Function>
inline Lanes each_lane(Function function) {
  Lanes result;
  for (int lane = 0; lane < 16; ++lane) result.v[lane] = function(lane);
  return result;
}
template <typename Function>
inline WideLanes each_wide_lane(Function function) {
  WideLanes result;
  for (int lane = 0; lane < 16; ++lane) result.v[lane] = function(lane);
  return result;
}

inline Lanes load(const float* p) {
  return each_lane([=](int lane) { return p[lane]; });
}
inline void store(float* p, Lanes a) {
  for (int lane = 0; lane < 16; ++lane) p[lane] = a.v[lane];
}
inline Lanes splat(float x) {
  return each_lane([=](int) { return x; });
}
inline Lanes load_part(const float* p, std::int64_t count, float fill) {
  return each_lane([=](int lane) { return lane < count ? p[lane] : fill; });
}
inline void store_part(float* p, Lanes a, std::int64_t count) {
  for (std::int64_t lane = 0; lane < count; ++lane) p[lane] = a.v[lane];
}
inline Lanes add(Lanes a, Lanes b) {
  return each_lane([&](int lane) { return a.v[lane] + b.v[lane]; });
}
inline Lanes sub(Lanes a, Lanes b) {
  return each_lane([&](int lane) { return a.v[lane] - b.v[lane]; });
}
inline Lanes mul(Lanes a, Lanes b) {
  return each_lane([&](int lane) { return a.v[lane] * b.v[lane]; });
}
inline Lanes div(Lanes a, Lanes b) {
  return each_lane([&](int lane) { return a.v[lane] / b.v[lane]; });
}
inline Lanes fma(Lanes a, Lanes b, Lanes c) {
  return each_lane([&](int lane) { return std::fma(a.v[lane], b.v[lane], c.v[lane]); });
}
/// The second operand when either is NaN.
inline Lanes min(Lanes a, Lanes b) {
  return each_lane([&](int lane) { return a.v[lane] < b.v[lane] ? a.v[lane] : b.v[lane]; });
}
inline Lanes max(Lanes a, Lanes b) {
  return each_lane([&](int lane) { return a.v[lane] > b.v[lane] ? a.v[lane] : b.v[lane]; });
}
/// The largest lane, where none is NaN.
inline float largest_lane(Lanes a) {
  float largest = a.v[0];
  for (const float value : a.v) largest = value > largest ? value : largest;
  return largest;
}
inline Lanes abs(Lanes a) {
  return each_lane([&](int lane) { return std::fabs(a.v[lane]); });
}
inline Lanes minus_abs(Lanes a) {
  return each_lane([&](int lane) { return -std::fabs(a.v[lane]); });
}
/// table[the four lowest bits of a lane].
inline Lanes lookup(const float (&table)[16], Lanes a) {
  return each_lane([&](int lane) {
    std::uint32_t bits;
    std::memcpy(&bits, &a.v[lane], sizeof bits);
    return table[bits % 16];
  });
}
inline Lanes round_even(Lanes a) {
  return each_lane([&](int lane) { return std::nearbyint(a.v[lane]); });
}
/// Lane-wise a < b ? x : y.
inline Lanes select_less(Lanes a, Lanes b, Lanes x, Lanes y) {
  return each_lane([&](int lane) { return a.v[lane] < b.v[lane] ? x.v[lane] : y.v[lane]; });
}
/// 2^n for integer-valued n in [-126, 127]; NaN gives an unspecified value.
inline Lanes exp2_integer(Lanes n) {
  return each_lane([&](int lane) {
    const int exponent = n.v[lane] >= -126.0F && n.v[lane] <= 127.0F ? static_cast<int>(n.v[lane]) : 0;
    const std::uint32_t bits = static_cast<std::uint32_t>(exponent + 127) << 23;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  });
}

/// a * 2^n for integer-valued n in [-126, 127]; any value otherwise.
inline Lanes scale_exp2(Lanes a, Lanes n) { return mul(a, exp2_integer(n)); }

/// Nearest floats of the differences of sixteen 32-bit integers.
inline Lanes load_differences(const std::int32_t* p, const std::int32_t* offset) {
  return each_lane([=](int lane) { return static_cast<float>(p[lane] - offset[lane]); });
}

/// Lanes of integer value in [0, 255] as bytes.
inline void store_bytes(std::uint8_t* p, Lanes a) {
  for (int lane = 0; lane < 16; ++lane) p[lane] = static_cast<std::uint8_t>(a.v[lane]);
}

inline WideLanes wide_zero() { return {}; }
inline WideLanes widen(Lanes a) {
  return each_wide_lane([&](int lane) { return static_cast<double>(a.v[lane]); });
}
inline WideLanes add(WideLanes a, WideLanes b) {
  return each_wide_lane([&](int lane) { return a.v[lane] + b.v[lane]; });
}
inline WideLanes fma(WideLanes a, WideLanes b, WideLanes c) {
  return each_wide_lane([&](int lane) { return std::fma(a.v[lane], b.v[lane], c.v[lane]); });
}
/// The upper half of the lanes is added to the lower until one is left.
inline double sum_lanes(WideLanes a) {
  for (int width = 8; width > 0; width /= 2) {
    for (int lane = 0; lane < width; ++lane) a.v[lane] += a.v[lane + width];
  }
  return a.v[0];
}

/// target[k * stride + row] = source[row * row_stride + k] for 16 k and rows < `rows` <= 16; the
/// lanes from `rows` to 16 of each target row are zeros when the stride leaves room for them.
inline void transpose_step(const float* source, std::int64_t row_stride, std::int64_t rows, float* target,
                           std::int64_t stride) {
  const std::int64_t lanes = stride < 16 ? rows : 16;
  for (std::int64_t row = 0; row < lanes; ++row) {
    for (std::int64_t k = 0; k < 16; ++k) {
      target[k * stride + row] = row < rows ? source[row * row_stride + k] : 0.0F;
    }
  }
}

}  // namespace
}  // namespace nq::kernels
