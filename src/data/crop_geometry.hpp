#pragma once

#include "nq/preprocess.hpp"

namespace nq {

/// Where the model's input lies in the resized image.
struct CropGeometry {
  int resized_width = 0;   ///< pixels
  int resized_height = 0;  ///< pixels
  int left = 0;            ///< of the crop in the resized image; negative when it is padded there
  int top = 0;             ///< of the crop in the resized image; negative when it is padded there
};

/// Size that the resize aims at. Throws Error(resource) when an edge exceeds 2^24 pixels.
ResizeTarget resize_target(const Preprocess& preprocess);

/// Geometry for an image of image_width x image_height pixels. Throws Error(resource) when an edge of the
/// resized image exceeds 2^24 pixels.
CropGeometry crop_geometry(const Preprocess& preprocess, int image_width, int image_height);

}  // namespace nq
