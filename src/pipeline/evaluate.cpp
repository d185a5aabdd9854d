#include "nq/evaluate.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/stopwatch.hpp"
#include "pipeline/eval_tally.hpp"
#include "pipeline/logits.hpp"

namespace nq {
namespace {

/// One run over a list of images.
class Evaluation {
 public:
  Evaluation(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& images,
             const Preprocess& preprocess, const EvalOptions& options, const EvalHooks& hooks)
      : images_(images), hooks_(hooks), runner_(make_model_runner(model, options.input_shape, options.kernels, preprocess)),
        tally_(hooks.start, options.classes, largest_label(images)),
        loader_(images, preprocess, options.batch, options.bad_images, hooks.start.images > 0) {
    if (reference != nullptr) {
      reference_.emplace(make_model_runner(*reference, options.input_shape, options.kernels, preprocess));
    }
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
    const Tensor expected = reference_ ? reference_->run(batch.images) : Tensor();
    for (std::size_t slot = 0; slot < batch.sample_index.size(); ++slot) {
      std::optional<std::span<const float>> reference;
      if (reference_) reference = image_logits(expected, slot);
      tally_.add(image_logits(logits, slot), reference, images_[batch.sample_index[slot]]);
      consumed_ = static_cast<std::int64_t>(batch.sample_index[slot]) + 1;
      if (hooks_.go_on && !hooks_.go_on(tally_.counts())) return false;
    }
    return true;
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
  const EvalHooks& hooks_;
  ImageRunner runner_;
  std::optional<ImageRunner> reference_;
  EvalTally tally_;
  BatchLoader loader_;
  std::int64_t consumed_ = 0;
  std::int64_t skip_checked_ = 0;
  std::vector<SkippedImage> skipped_;
};

}  // namespace

EvalReport evaluate(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& images,
                    const Preprocess& preprocess, const EvalOptions& options, Progress& progress,
                    const EvalHooks& hooks) {
  NQ_CHECK(options.batch > 0, usage, "the batch must be positive");
  return Evaluation(model, reference, images, preprocess, options, hooks).run(progress);
}

}  // namespace nq
