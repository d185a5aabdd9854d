#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "nq/class_view.hpp"
#include "nq/image_input.hpp"
#include "nq/model_file.hpp"
#include "nq/preprocess.hpp"
#include "pipeline/image_runner.hpp"

namespace nq {

/// Index of the largest logit, the first of equal ones.
std::size_t argmax(std::span<const float> logits);

/// Classes that come before `label`: higher logit, or an equal one at a lower index.
std::int64_t rank_of(std::span<const float> logits, std::size_t label);

/// Row `image` of [n, classes].
std::span<const float> image_logits(const Tensor& logits, std::size_t image);

/// A runner of the whole model. Errors name the model's file.
ImageRunner make_model_runner(const ModelFile& model, const std::optional<Shape>& input_shape, KernelChoice kernels,
                              const Preprocess& preprocess);

}  // namespace nq
