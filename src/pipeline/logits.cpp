#include "pipeline/logits.hpp"

#include <cmath>

#include "core/check.hpp"

namespace nq {

std::size_t argmax(std::span<const float> logits) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < logits.size(); ++k) {
    if (logits[k] > logits[best]) best = k;
  }
  return best;
}

std::int64_t rank_of(std::span<const float> logits, std::size_t label) {
  if (std::isnan(logits[label])) return static_cast<std::int64_t>(logits.size());
  std::int64_t rank = 0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    if (logits[k] > logits[label] || (logits[k] == logits[label] && k < label)) ++rank;
  }
  return rank;
}

std::span<const float> image_logits(const Tensor& logits, std::size_t image) {
  const auto width = static_cast<std::size_t>(logits.shape()[1]);
  return logits.span<float>().subspan(image * width, width);
}

ImageRunner make_model_runner(const ModelFile& model, const std::optional<Shape>& input_shape, KernelChoice kernels,
                              const Preprocess& preprocess) {
  return with_context(
      [&] {
        const Graph graph = model.to_graph();
        const ImageInput input = find_image_input(graph, input_shape);
        check_image_size(input, preprocess);
        return ImageRunner(plan_images(graph, input, kernels), input);
      },
      [&] { return fmt::format("in model '{}'", model.path().string()); });
}

}  // namespace nq
