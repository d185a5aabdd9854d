#pragma once

#include <array>
#include <cstdint>

namespace nq::kernels {

/// A sliding window along one spatial axis, in elements of the input.
struct WindowAxis {
  std::int64_t in = 1, out = 1;
  std::int64_t kernel = 1, stride = 1, dilation = 1;
  std::int64_t pad_begin = 0, pad_end = 0;

  /// Input position under tap `tap` of window `window`; may lie outside [0, in).
  std::int64_t position(std::int64_t window, std::int64_t tap) const {
    return window * stride - pad_begin + tap * dilation;
  }
  /// Windows [first, end) whose tap lies inside the input.
  struct Range {
    std::int64_t first, end;
  };
  Range windows_inside(std::int64_t tap) const {
    const std::int64_t shift = tap * dilation - pad_begin;
    const std::int64_t first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    const std::int64_t room = in - shift;
    const std::int64_t end = room <= 0 ? 0 : (room + stride - 1) / stride;
    return {first < out ? first : out, end < out ? end : out};
  }
};

/// Windows over up to three spatial axes; missing outer axes have size 1.
struct Window {
  std::array<WindowAxis, 3> axes;

  std::int64_t in_positions() const { return axes[0].in * axes[1].in * axes[2].in; }
  std::int64_t out_positions() const { return axes[0].out * axes[1].out * axes[2].out; }
  std::int64_t taps() const { return axes[0].kernel * axes[1].kernel * axes[2].kernel; }
  /// Tap number in kernel order as (z, y, x).
  std::array<std::int64_t, 3> tap(std::int64_t index) const {
    const std::int64_t x = index % axes[2].kernel;
    const std::int64_t rest = index / axes[2].kernel;
    return {rest / axes[1].kernel, rest % axes[1].kernel, x};
  }
  bool has_padding() const {
    for (const WindowAxis& axis : axes) {
      if (axis.pad_begin != 0 || axis.position(axis.out - 1, axis.kernel - 1) >= axis.in) return true;
    }
    return false;
  }
};

}  // namespace nq::kernels
