#include "nq/evaluate.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/stopwatch.hpp"
#include "nq/image_input.hpp"
#include "pipeline/eval_tally.hpp"
#include "pipeline/logits.hpp"

namespace nq {
namespace {

/// One run over a list of images.
class Evaluation {
 public:
  Evaluation(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& images,
             const Preprocess& preprocess, const EvalOptions& options, const EvalHooks& hooks)
      : images_(images), preprocess_(preprocess), options_(options), hooks_(hooks), reference_(reference),
        runner_(make_model_runner(model, options.input_shape, options.kernels, preprocess)),
        tally_(hooks.start, options.classes, largest_label(images)),
        loader_(images, preprocess, options.batch, options.bad_images, hooks.start.images > 0, hooks.known_pixels) {
    if (reference != nullptr && !hooks.known_reference) plan_reference();
  }

  EvalReport run(Progress& progress) {
    progress.begin("evaluating", static_cast<std::int64_t>(images_.size()), "images");
    const Stopwatch watch;
    bool going = true;
    while (going) {
      const std::optional<Batch> batch = loader_.next();
      if (!batch) break;
      going = add(*batch);
      if (hooks_.checkpoint) hooks_.checkpoint({tally_.counts(), consumed_, skipped()});
      progress.advance(static_cast<std::int64_t>(batch->sample_index.size()));
    }
    if (going) consumed_ = static_cast<std::int64_t>(images_.size());
    EvalReport report = report_of(tally_.counts());
    report.seconds = watch.seconds();
    progress.end();
    report.skipped_images = skipped();
    if (hooks_.checkpoint) hooks_.checkpoint({tally_.counts(), consumed_, report.skipped_images});
    NQ_CHECK(report.images > 0, input, "no image could be read");
    return report;
  }

 private:
  bool add(const Batch& batch) {
    const Tensor logits = runner_.run(batch.images);
    const ReferenceLogits expected = reference_logits(batch);
    for (std::size_t slot = 0; slot < batch.sample_index.size(); ++slot) {
      tally_.add(image_logits(logits, slot), expected.of(slot), images_[batch.sample_index[slot]]);
      consumed_ = static_cast<std::int64_t>(batch.sample_index[slot]) + 1;
      if (hooks_.go_on && !hooks_.go_on(tally_.counts())) return false;
    }
    return true;
  }

  /// Outputs of the reference for a batch.
  struct ReferenceLogits {
    std::vector<std::span<const float>> known;  ///< or
    std::optional<Tensor> computed;             ///< [images, classes]
    std::optional<std::span<const float>> of(std::size_t slot) const {
      if (!known.empty()) return known[slot];
      if (computed) return image_logits(*computed, slot);
      return std::nullopt;
    }
  };

  void plan_reference() {
    reference_runner_.emplace(make_model_runner(*reference_, options_.input_shape, options_.kernels, preprocess_));
  }

  ReferenceLogits reference_logits(const Batch& batch) {
    if (reference_ == nullptr) return {};
    if (auto known = known_logits(batch); !known.empty()) return {std::move(known), std::nullopt};
    if (!reference_runner_) plan_reference();
    return {{}, reference_runner_->run(batch.images)};
  }

  /// One per image of the batch, or none when one of them is not known.
  std::vector<std::span<const float>> known_logits(const Batch& batch) const {
    if (!hooks_.known_reference) return {};
    std::vector<std::span<const float>> known;
    for (const std::size_t index : batch.sample_index) {
      known.push_back(hooks_.known_reference(images_[index]));
      if (known.back().empty()) return {};
    }
    return known;
  }

  /// Images left out among the first `consumed_`. The loader lists them in their order.
  const std::vector<SkippedImage>& skipped() {
    const auto& found = loader_.skipped();
    for (; skip_checked_ < consumed_ && skipped_.size() < found.size(); ++skip_checked_) {
      const SkippedImage& next = found[skipped_.size()];
      if (images_[static_cast<std::size_t>(skip_checked_)].name == next.name) skipped_.push_back(next);
    }
    return skipped_;
  }

  const std::vector<Sample>& images_;
  const Preprocess& preprocess_;
  const EvalOptions& options_;
  const EvalHooks& hooks_;
  const ModelFile* reference_;  ///< may be null
  ImageRunner runner_;
  std::optional<ImageRunner> reference_runner_;  ///< made when first needed
  EvalTally tally_;
  BatchLoader loader_;
  std::int64_t consumed_ = 0;
  std::int64_t skip_checked_ = 0;
  std::vector<SkippedImage> skipped_;
};

}  // namespace

void check_labels(const ModelFile& model, const std::vector<Sample>& images, const EvalOptions& options) {
  const std::int64_t largest = largest_label(images);
  if (largest < 0) return;
  const Graph graph = model.to_graph();
  const ImageInput input = find_image_input(graph, options.input_shape);
  const TypedGraph typed = specialize(graph, specialize_images(input));
  const std::int64_t width = typed.type(typed.graph.outputs.front()).shape.elements() / image_plan_batch(input);
  const std::int64_t classes = options.classes.num_classes(width);
  options.classes.check_labels(width, largest);
  for (const Sample& sample : images) check_label(sample, classes);
}

EvalReport evaluate(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& images,
                    const Preprocess& preprocess, const EvalOptions& options, Progress& progress,
                    const EvalHooks& hooks) {
  NQ_CHECK(options.batch > 0, usage, "the batch must be positive");
  return Evaluation(model, reference, images, preprocess, options, hooks).run(progress);
}

}  // namespace nq
