#pragma once

#include "nq/image.hpp"

namespace nq {

/// A rectangle of pixels.
struct Window {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

/// The part `window` of what resize(image, width, height, interpolation) returns: the same bits,
/// at the cost of that part only, however large width x height is. Throws Error(internal) unless
/// the window is not empty and lies inside.
Image resize_window(const Image& image, int width, int height, Interpolation interpolation,
                    const Window& window);

}  // namespace nq
