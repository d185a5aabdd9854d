#pragma once

// QuantizeLinear on sixteen lanes. Include after exactly one lanes_*.hpp.

#include "kernels/isa/kernel_table.hpp"
#include "kernels/isa/lane_math.hpp"

namespace nq::kernels {
namespace {

/// Grid values of `x` as floats; NaN becomes `high`.
inline Lanes quantize_lanes(const QuantizeRow& grid, Lanes x) {
  const Lanes moved = add(round_even(div(x, splat(grid.scale))), splat(grid.zero_point));
  // The comparisons return their second operand for NaN, so the bounds come second here.
  return max(min(moved, splat(grid.high)), splat(grid.low));
}

/// Stores the first `used` of sixteen grid values.
inline void store_codes(std::uint8_t* target, Lanes values, std::int64_t used) {
  if (used == 16) {
    store_bytes(target, values);
    return;
  }
  std::uint8_t bytes[16];
  store_bytes(bytes, values);
  for (std::int64_t i = 0; i < used; ++i) target[i] = bytes[i];
}

}  // namespace
}  // namespace nq::kernels
