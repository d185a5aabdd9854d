#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "nq/graph.hpp"

namespace nq {

/// The input of a model that takes images: four dimensions, one of them 3 channels.
struct ImageInput {
  std::string name;
  DType dtype = DType::f32;     ///< float32, or float16 and the like
  bool channels_last = false;   ///< [N, H, W, 3] instead of [N, 3, H, W]
  std::int64_t height = 0;      ///< pixels
  std::int64_t width = 0;       ///< pixels
  std::int64_t static_batch = 0;  ///< 0 when any batch will do

  /// Shape of the input for `batch` images.
  Shape shape(std::int64_t batch) const;
};

/// Finds the image input. `input_shape` [N, C, H, W] fills dimensions that the model leaves open;
/// height and width stay 0 when neither says them. A model that declares an open batch but keeps the
/// traced one in its constants gets that as static batch. Throws Error(unsupported) when there is no such
/// input or another input is needed as well, Error(usage) when `input_shape` contradicts the model.
ImageInput find_image_input(const Graph& graph, const std::optional<Shape>& input_shape = std::nullopt);

}  // namespace nq
