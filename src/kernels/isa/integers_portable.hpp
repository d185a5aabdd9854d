#pragma once

#include <cstdint>

#include "kernels/isa/lanes_portable.hpp"

// Integer accumulators in plain C++. Included by exactly one translation unit.

namespace nq::kernels {
namespace {

constexpr int kIntegerRows = 4;     ///< rows of one register tile
constexpr int kIntegerVectors = 1;  ///< 16-column vectors of one register tile row

/// Sums of sixteen columns.
struct IntegerLanes {
  std::int32_t v[16];
};
/// Four unsigned values of one row.
struct RowBytes {
  const std::uint8_t* p;
};
/// Four signed values of each of sixteen columns.
struct ColumnBytes {
  const std::int8_t* p;
};

inline IntegerLanes integer_zero() { return {}; }
inline RowBytes load_row(const std::uint8_t* a) { return {a}; }
inline ColumnBytes load_columns(const std::int8_t* b) { return {b}; }
inline IntegerLanes dot(IntegerLanes acc, RowBytes a, ColumnBytes b) {
  for (int col = 0; col < 16; ++col) {
    for (int k = 0; k < 4; ++k) acc.v[col] += a.p[k] * b.p[4 * col + k];
  }
  return acc;
}
/// Nearest floats of sums minus sixteen offsets.
inline Lanes to_floats(const IntegerLanes& acc, const std::int32_t* offset) {
  return each_lane([&](int lane) { return static_cast<float>(acc.v[lane] - offset[lane]); });
}
inline void store(std::int32_t* p, IntegerLanes acc) {
  for (int col = 0; col < 16; ++col) p[col] = acc.v[col];
}

}  // namespace
}  // namespace nq::kernels
