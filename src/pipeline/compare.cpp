#include "nq/compare.hpp"

#include <algorithm>
#include <numeric>

#include "core/check.hpp"
#include "core/stopwatch.hpp"
#include "nq/image_input.hpp"
#include "pipeline/changed_values.hpp"
#include "pipeline/image_metrics.hpp"
#include "pipeline/image_runner.hpp"
#include "pipeline/layer_compare.hpp"
#include "pipeline/logits.hpp"
#include "pipeline/watched_compare.hpp"

namespace nq {
namespace {

/// The input of both models. An open batch takes the other model's.
struct SharedInput {
  ImageInput reference;
  ImageInput other;
};

SharedInput shared_input(const Graph& reference, const Graph& other, const CompareOptions& options,
                         const Preprocess& preprocess) {
  SharedInput input{find_image_input(reference, options.input_shape), find_image_input(other, options.input_shape)};
  check_image_size(input.reference, preprocess);
  check_image_size(input.other, preprocess);
  if (input.reference.static_batch == 0) input.reference.static_batch = input.other.static_batch;
  if (input.other.static_batch == 0) input.other.static_batch = input.reference.static_batch;
  NQ_CHECK(input.reference.static_batch == input.other.static_batch, unsupported,
           "the models were exported for batches of {} and {}", input.reference.static_batch, input.other.static_batch);
  NQ_CHECK(input.reference.channels_last == input.other.channels_last && input.reference.dtype == input.other.dtype,
           unsupported, "the models take their images in different types or layouts");
  return input;
}

TypedGraph specialize_for_layers(const Graph& graph, const ImageInput& input) {
  Specialization spec = specialize_images(input);
  // Layers are matched on the graph that holds the quantizers.
  spec.keep_quantized_weights = true;
  return specialize(graph, spec);
}

/// Adds up images and keeps the worst.
class ComparisonSums {
 public:
  ComparisonSums(const ClassView& view, std::int64_t worst) : view_(view), worst_(worst) {}

  void add(std::span<const float> reference_outputs, std::span<const float> other_outputs, const Sample& sample) {
    NQ_CHECK(reference_outputs.size() == other_outputs.size(), usage, "the models have {} and {} outputs per image",
             reference_outputs.size(), other_outputs.size());
    result.classes = view_.num_classes(static_cast<std::int64_t>(reference_outputs.size()));
    const auto reference = view_.select(reference_outputs, reference_logits_);
    const auto other = view_.select(other_outputs, other_logits_);
    const LogitDistance distance = logit_distance(reference, other);
    ImageComparison image;
    image.name = sample.name;
    image.label = sample.label;
    image.logit_mse = distance.squared_difference / static_cast<double>(reference.size());
    image.cosine = distance.cosine;
    image.kl = distance.kl;
    image.reference_class = static_cast<std::int64_t>(argmax(reference));
    image.other_class = static_cast<std::int64_t>(argmax(other));
    count(image, distance);
  }

  void finish() {
    NQ_CHECK(result.images > 0, input, "no image could be read");
    const auto images = static_cast<double>(result.images);
    result.logit_mse /= images;
    result.cosine /= images;
    result.kl /= images;
    result.agreement /= images;
    result.sqnr_db = logits_.sqnr_db();
    if (result.labelled > 0) {
      result.reference_top1 /= static_cast<double>(result.labelled);
      result.other_top1 /= static_cast<double>(result.labelled);
    }
    sort_worst();
  }

  Comparison result;

 private:
  void count(ImageComparison& image, const LogitDistance& distance) {
    ++result.images;
    result.logit_mse += image.logit_mse;
    result.cosine += image.cosine;
    result.kl += image.kl;
    result.agreement += image.reference_class == image.other_class ? 1 : 0;
    logits_.add({distance.squared_reference, distance.squared_difference});
    if (image.label) {
      ++result.labelled;
      result.reference_top1 += image.reference_class == *image.label ? 1 : 0;
      result.other_top1 += image.other_class == *image.label ? 1 : 0;
    }
    result.worst.push_back(std::move(image));
    if (static_cast<std::int64_t>(result.worst.size()) > 2 * worst_ + 64) sort_worst();
  }

  void sort_worst() {
    std::stable_sort(result.worst.begin(), result.worst.end(),
                     [](const auto& left, const auto& right) { return left.logit_mse > right.logit_mse; });
    const auto kept = std::min<std::size_t>(result.worst.size(), static_cast<std::size_t>(worst_));
    result.worst.erase(result.worst.begin() + static_cast<std::ptrdiff_t>(kept), result.worst.end());
  }

  const ClassView& view_;
  std::int64_t worst_;
  SignalAndNoise logits_;
  std::vector<float> reference_logits_;
  std::vector<float> other_logits_;
};

std::span<const float> row(const std::vector<float>& logits, std::int64_t image, std::int64_t batch) {
  const std::size_t width = logits.size() / static_cast<std::size_t>(batch);
  return std::span(logits).subspan(static_cast<std::size_t>(image) * width, width);
}

}  // namespace

std::vector<std::size_t> Comparison::ranking() const {
  std::vector<std::size_t> order(layers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t k) {
    return std::pair(!layers[k].local_sqnr_db, layers[k].local_sqnr_db.value_or(layers[k].accumulated_sqnr_db));
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

Comparison compare(const ModelFile& reference, const ModelFile& other, const std::vector<Sample>& images,
                   const Preprocess& preprocess, const CompareOptions& options, Progress& progress) {
  return compare_watched(reference, other, images, preprocess, options, nullptr, progress);
}

Comparison compare_watched(const ModelFile& reference, const ModelFile& other, const std::vector<Sample>& images,
                           const Preprocess& preprocess, const CompareOptions& options, LayerWatch* watch,
                           Progress& progress) {
  const Graph reference_graph = reference.to_graph();
  const Graph other_graph = other.to_graph();
  const SharedInput input = shared_input(reference_graph, other_graph, options, preprocess);
  LayerComparer layers(specialize_for_layers(reference_graph, input.reference),
                       specialize_for_layers(other_graph, input.other), read_changed_outputs(other), options.kernels,
                       options.layers, watch);
  ComparisonSums sums(options.classes, options.worst);
  const std::int64_t batch = image_plan_batch(input.reference);
  BatchLoader loader(images, preprocess, batch, options.bad_images);
  progress.begin("comparing", static_cast<std::int64_t>(images.size()), "images");
  const Stopwatch stopwatch;
  while (const std::optional<Batch> loaded = loader.next()) {
    const auto count = static_cast<std::int64_t>(loaded->sample_index.size());
    const LayerComparer::Logits logits = layers.run(stack_images(input.reference, loaded->images, 0, batch), count);
    for (std::int64_t k = 0; k < count; ++k) {
      sums.add(row(logits.reference, k, batch), row(logits.other, k, batch),
               images[loaded->sample_index[static_cast<std::size_t>(k)]]);
    }
    progress.advance(count);
  }
  progress.end();
  sums.finish();
  Comparison result = std::move(sums.result);
  if (options.layers) result.layers = layers.results();
  if (options.layers) result.unmatched = layers.unmatched();
  result.skipped_images = loader.skipped();
  result.seconds = stopwatch.seconds();
  return result;
}

}  // namespace nq
