#include "pipeline/image_runner.hpp"

#include <algorithm>
#include <cstring>

#include "core/check.hpp"
#include "core/divide_up.hpp"
#include "core/float_tensor.hpp"
#include "core/parallel.hpp"
#include "core/tensor_part.hpp"

namespace nq {
namespace {

void to_channels_last(const float* chw, std::int64_t pixels, float* hwc) {
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::int64_t channel = 0; channel < 3; ++channel) hwc[pixel * 3 + channel] = chw[channel * pixels + pixel];
  }
}

}  // namespace

Tensor input_tensor(const ImageInput& input, const Tensor& tensor) {
  const DType dtype = input.dtype;
  if (dtype == DType::f32) return tensor;
  NQ_CHECK(dtype == DType::f16 || dtype == DType::bf16, unsupported, "images cannot be fed as {}", to_string(dtype));
  return from_float32(tensor, dtype);
}

std::int64_t image_plan_batch(const ImageInput& input) { return std::max<std::int64_t>(1, input.static_batch); }

void check_image_size(const ImageInput& input, const Preprocess& preprocess) {
  NQ_CHECK(input.height == preprocess.height && input.width == preprocess.width, usage,
           "the preprocessing makes {} x {} images, the model takes {} x {}", preprocess.height, preprocess.width,
           input.height, input.width);
}

Specialization specialize_images(const ImageInput& input) {
  NQ_CHECK(input.height > 0 && input.width > 0, usage,
           "model input '{}' leaves height and width open: give --input-shape N,C,H,W", input.name);
  Specialization spec;
  spec.shapes.emplace(input.name, input.shape(image_plan_batch(input)));
  return spec;
}

Plan plan_images(const Graph& graph, const ImageInput& input, KernelChoice kernels) {
  Specialization spec = specialize_images(input);
  spec.keep_quantized_weights = kernels == KernelChoice::automatic;
  PlanOptions options;
  options.kernels = kernels;
  TypedGraph typed = specialize(graph, spec);
  // An export may declare an open batch and still hold the batch it was traced with.
  const ValueId output = typed.graph.outputs.front();
  const Shape& shape = typed.type(output).shape;
  NQ_CHECK(shape.rank() > 0 && shape[0] == image_plan_batch(input), unsupported,
           "output '{}' has shape {} for {} image(s): the model was exported for another batch size",
           typed.graph.value(output).name, to_string(shape), image_plan_batch(input));
  return make_plan(std::move(typed), options);
}

ImageRunner::ImageRunner(Plan plan, ImageInput input)
    : plan_(std::move(plan)), input_(std::move(input)), plan_batch_(image_plan_batch(input_)) {
  executors_.resize(static_cast<std::size_t>(num_threads()));
}

Executor& ImageRunner::executor() {
  auto& slot = executors_.at(static_cast<std::size_t>(thread_index()));
  if (!slot) slot = std::make_unique<Executor>(plan_);
  return *slot;
}

Tensor stack_images(const ImageInput& input, const Tensor& images, std::int64_t first, std::int64_t batch) {
  const std::int64_t count = images.shape()[0];
  const std::int64_t pixels = input.height * input.width;
  if (!input.channels_last && first + batch <= count) return input_tensor(input, tensor_part(images, first, batch));
  Tensor stacked(TensorType{DType::f32, input.shape(batch)});
  for (std::int64_t slot = 0; slot < batch; ++slot) {
    const float* source = images.span<float>().data() + std::min(first + slot, count - 1) * pixels * 3;
    float* target = stacked.mutable_span<float>().data() + slot * pixels * 3;
    if (input.channels_last) to_channels_last(source, pixels, target);
    else std::memcpy(target, source, static_cast<std::size_t>(pixels) * 3 * sizeof(float));
  }
  return input_tensor(input, stacked);
}

Tensor ImageRunner::run(const Tensor& images, const ImageTap& tap) {
  const std::int64_t count = images.shape()[0];
  const std::int64_t chunks = divide_up(count, plan_batch_);
  std::vector<std::vector<float>> outputs(static_cast<std::size_t>(chunks));
  parallel_for(0, chunks, 1, [&](std::int64_t chunk, std::int64_t) {
    const std::int64_t first = chunk * plan_batch_;
    const std::int64_t real = std::min(plan_batch_, count - first);
    const Tensor input = stack_images(input_, images, first, plan_batch_);
    const Tap inner = [&](ValueId value, const TensorView& view) { tap(first, real, value, view); };
    const std::vector<Tensor> results = executor().run({&input, 1}, tap ? inner : Tap{});
    if (!results.empty()) outputs[static_cast<std::size_t>(chunk)] = to_vector<float>(results.front().view());
  });
  const std::int64_t width = outputs.empty() ? 0 : static_cast<std::int64_t>(outputs.front().size()) / plan_batch_;
  Tensor stacked(TensorType{DType::f32, Shape{count, width}});
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::int64_t first = chunk * plan_batch_;
    const std::int64_t values = std::min(plan_batch_, count - first) * width;
    std::copy_n(outputs[static_cast<std::size_t>(chunk)].begin(), values,
                stacked.mutable_span<float>().begin() + first * width);
  }
  return stacked;
}

}  // namespace nq
