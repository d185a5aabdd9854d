#pragma once

// Whole vectors and the ragged end of a row. Include after exactly one lanes_*.hpp.

#include "kernels/isa/lane_math.hpp"

namespace nq::kernels {
namespace {

/// `used` of sixteen lanes; the others are zero.
inline Lanes load_some(const float* p, std::int64_t used) { return used == 16 ? load(p) : load_part(p, used, 0.0F); }

inline void store_some(float* p, Lanes a, std::int64_t used) {
  if (used == 16) {
    store(p, a);
  } else {
    store_part(p, a, used);
  }
}

}  // namespace
}  // namespace nq::kernels
