#pragma once

// What the float and the integer product share. Include after exactly one lanes_*.hpp.

#include "kernels/isa/row_parts.hpp"

namespace nq::kernels {
namespace {

/// Number of equal pieces of at most `largest` that make up `total`.
inline std::int64_t pieces(std::int64_t total, std::int64_t largest) {
  return total <= largest ? 1 : (total + largest - 1) / largest;
}

/// Calls body(index, begin, size) for each of the pieces, which differ by one at most: no thin remainder is left.
template <typename Body>
inline void for_each_piece(std::int64_t total, std::int64_t largest, Body body) {
  const std::int64_t count = pieces(total, largest);
  for (std::int64_t index = 0; index < count; ++index) {
    const std::int64_t begin = total * index / count;
    body(index, begin, total * (index + 1) / count - begin);
  }
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

template <Activation activation>
struct ActivationConstant {
  static constexpr Activation kValue = activation;
};

/// Calls body with the ActivationConstant: as a template argument an activation keeps its constants in registers.
template <typename Body>
inline void with_activation(Activation activation, Body body) {
  switch (activation) {
    case Activation::none: body(ActivationConstant<Activation::none>{}); break;
    case Activation::gelu_erf: body(ActivationConstant<Activation::gelu_erf>{}); break;
    case Activation::gelu_tanh: body(ActivationConstant<Activation::gelu_tanh>{}); break;
    case Activation::relu: body(ActivationConstant<Activation::relu>{}); break;
  }
}

/// The end of every epilogue, for up to sixteen columns: activation, residual (may be null), and the write.
template <Activation activation>
inline void write_columns(Lanes value, const float* residual, float* target, std::int64_t used) {
  value = activate(value, activation);
  if (residual != nullptr) value = add(value, load_some(residual, used));
  store_some(target, value, used);
}

}  // namespace
}  // namespace nq::kernels
