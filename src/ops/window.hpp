#pragma once

#include "kernels/window.hpp"
#include "nq/op.hpp"

// Geometry that convolutions and pools share: kernel_shape, strides, dilations, pads, auto_pad.

namespace nq {

/// Largest size and attribute of a window: their products and sums stay far inside 64 bits.
inline constexpr std::int64_t kMaxWindowSize = std::int64_t{1} << 30;

/// How the output size of a window follows from its attributes.
struct WindowRules {
  std::vector<std::int64_t> kernel;  ///< one size per spatial axis
  bool ceil_mode = false;            ///< pools: a last partial window counts
};

/// Reads the node's window attributes for an input [batch, channels, spatial...].
/// Throws Error(input) on attributes that do not fit, Error(unsupported) above three spatial axes.
kernels::Window window_of(const OpContext& context, const WindowRules& rules);

/// Places up to three per-axis windows in a Window, last axis last. Throws Error(unsupported).
kernels::Window make_window(const std::vector<kernels::WindowAxis>& axes);

/// An ints attribute with one value per spatial axis, `fallback` when absent. Throws Error(input), and
/// Error(resource) above kMaxWindowSize.
std::vector<std::int64_t> spatial_attr(const OpContext& context, std::string_view name, std::size_t count,
                                       std::int64_t fallback);

/// Sizes of axes 2 and up of input i. Throws Error(input) below rank 3, Error(resource) above
/// kMaxWindowSize.
std::vector<std::int64_t> spatial_sizes(const OpContext& context, int i);

}  // namespace nq
