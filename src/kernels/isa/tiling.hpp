#pragma once

// What the float and the integer product share. Include after exactly one lanes_*.hpp.

#include "kernels/isa/lane_math.hpp"

namespace nq::kernels {
namespace {

/// Splits `total` into equal pieces of at most `largest`; returns the number of pieces.
inline std::int64_t pieces(std::int64_t total, std::int64_t largest) {
  return total <= largest ? 1 : (total + largest - 1) / largest;
}

inline Lanes activate(Lanes x, Activation activation) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::gelu_erf: return gelu_erf_lanes(x);
    case Activation::gelu_tanh: return gelu_tanh_lanes(x);
    case Activation::relu: return max(splat(0.0F), x);
  }
  return x;
}

}  // namespace
}  // namespace nq::kernels
