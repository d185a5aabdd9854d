#include "nq/bench.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/rng.hpp"
#include "core/stopwatch.hpp"
#include "nq/interrupt.hpp"
#include "pipeline/image_runner.hpp"

namespace nq {
namespace {

Tensor random_images(const ImageInput& input, const BenchOptions& options) {
  Tensor images(TensorType{DType::f32, Shape{options.batch, 3, input.height, input.width}});
  RandomStream random(options.seed, "bench");
  for (float& value : images.mutable_span<float>()) value = static_cast<float>(random.normal());
  return images;
}

double run_once_ms(ImageRunner& runner, const Tensor& images) {
  check_interrupt();
  const Stopwatch watch;
  (void)runner.run(images);
  return 1000.0 * watch.seconds();
}

}  // namespace

double BenchReport::median_ms() const {
  const std::size_t middle = run_ms.size() / 2;
  return run_ms.size() % 2 == 1 ? run_ms[middle] : 0.5 * (run_ms[middle - 1] + run_ms[middle]);
}

double BenchReport::p90_ms() const {
  const auto rank = static_cast<std::size_t>(std::ceil(0.9 * static_cast<double>(run_ms.size())));
  return run_ms[rank - 1];
}

BenchReport bench(const ModelFile& model, const BenchOptions& options, Progress& progress) {
  NQ_CHECK(options.batch >= 1, usage, "a batch of {} images cannot be run", options.batch);
  NQ_CHECK(options.repeat >= 1 && options.warmup >= 0, usage, "{} runs after {} cannot be measured",
           options.repeat, options.warmup);
  const Graph graph = model.to_graph();
  const ImageInput input = find_image_input(graph, options.input_shape);
  ImageRunner runner(plan_images(graph, input, options.kernels), input);
  const Tensor images = random_images(input, options);
  BenchReport report;
  report.batch = options.batch;
  progress.begin("benchmark", options.warmup + options.repeat, "runs");
  for (int run = 0; run < options.warmup + options.repeat; ++run) {
    const double milliseconds = run_once_ms(runner, images);
    if (run >= options.warmup) report.run_ms.push_back(milliseconds);
    progress.advance(1);
  }
  progress.end();
  std::sort(report.run_ms.begin(), report.run_ms.end());
  return report;
}

}  // namespace nq
