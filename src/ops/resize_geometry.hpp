#pragma once

#include <cstdint>
#include <vector>

#include "nq/op.hpp"

// Where the elements of a resized tensor lie in the input: ONNX Resize (opsets 10, 11, 13, 18, 19)
// and its predecessor Upsample (1, 7, 9).

namespace nq {

/// Attribute coordinate_transformation_mode.
enum class ResizeCoordinates {
  half_pixel,
  half_pixel_symmetric,
  pytorch_half_pixel,
  tf_half_pixel_for_nn,  ///< opsets 11 and 12 only
  align_corners,
  asymmetric,  ///< what Upsample and Resize-10 do
  tf_crop_and_resize,
};

/// One axis of a resize.
struct ResizeAxis {
  std::int64_t in = 0;
  std::int64_t out = 0;
  double scale = 1;      ///< out per in
  double width = 0;      ///< scale * in before rounding; equals `out` when sizes are given
  double roi_start = 0;  ///< region of interest in units of the axis, tf_crop_and_resize only
  double roi_end = 1;

  /// Whether the axis is copied as it is.
  bool is_identity() const noexcept;
};

ResizeCoordinates resize_coordinates(const OpContext& context);

/// All axes of input 0. Throws Error(input) on contradictory or unusable scales, sizes, axes or roi.
std::vector<ResizeAxis> resize_axes(const OpContext& context);

/// Position in the input, in elements, of output element k.
double source_position(const ResizeAxis& axis, ResizeCoordinates mode, std::int64_t k);

/// True when tf_crop_and_resize takes the extrapolation value there.
bool is_extrapolated(const ResizeAxis& axis, ResizeCoordinates mode, double position);

}  // namespace nq
