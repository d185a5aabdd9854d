#include "nq/evaluate.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/stopwatch.hpp"
#include "pipeline/logits.hpp"

namespace nq {
namespace {

/// Counts image after image.
class Tally {
 public:
  Tally(EvalCounts start, const ClassView& view, std::int64_t largest_label)
      : counts_(std::move(start)), view_(view), largest_label_(largest_label) {}

  const EvalCounts& counts() const noexcept { return counts_; }

  void add(std::span<const float> outputs, const std::optional<std::span<const float>>& reference, const Sample& sample) {
    check_outputs(outputs);
    const auto logits = view_.select(outputs, logits_);
    ++counts_.images;
    const bool correct = sample.label && count_labelled(logits, sample);
    if (!reference) return;
    NQ_CHECK(outputs.size() == reference->size(), usage, "the model has {} outputs per image, its reference {}",
             outputs.size(), reference->size());
    compare(logits, view_.select(*reference, reference_logits_), sample, correct);
  }

 private:
  void check_outputs(std::span<const float> outputs) {
    if (checked_) return;
    const auto width = static_cast<std::int64_t>(outputs.size());
    const std::int64_t classes = view_.num_classes(width);
    if (largest_label_ >= 0) view_.check_labels(width, largest_label_);
    NQ_CHECK(counts_.classes == 0 || counts_.classes == classes, usage, "the counts to go on from have {} classes, the model {}",
             counts_.classes, classes);
    counts_.classes = classes;
    checked_ = true;
  }

  bool count_labelled(std::span<const float> logits, const Sample& sample) {
    const std::int64_t rank = rank_of(logits, checked_label(logits, sample));
    ++counts_.labelled;
    counts_.top1_correct += rank == 0 ? 1 : 0;
    counts_.top5_correct += rank < 5 ? 1 : 0;
    return rank == 0;
  }

  void compare(std::span<const float> logits, std::span<const float> reference, const Sample& sample, bool correct) {
    double difference = 0;
    double power = 0;
    for (std::size_t k = 0; k < logits.size(); ++k) {
      const double error = static_cast<double>(logits[k]) - static_cast<double>(reference[k]);
      difference += error * error;
      power += static_cast<double>(reference[k]) * static_cast<double>(reference[k]);
    }
    difference /= static_cast<double>(logits.size());
    ++counts_.compared;
    counts_.squared_difference.add(difference);
    counts_.fourth_difference.add(difference * difference);
    counts_.squared_reference.add(power / static_cast<double>(logits.size()));
    counts_.agreeing += argmax(logits) == argmax(reference) ? 1 : 0;
    const bool reference_correct = sample.label && rank_of(reference, checked_label(reference, sample)) == 0;
    counts_.reference_correct += reference_correct ? 1 : 0;
    counts_.both_correct += reference_correct && correct ? 1 : 0;
  }

  static std::size_t checked_label(std::span<const float> logits, const Sample& sample) {
    NQ_CHECK(*sample.label >= 0 && *sample.label < static_cast<std::int64_t>(logits.size()), usage,
             "image '{}' has label {}, the model has {} classes", sample.name, *sample.label, logits.size());
    return static_cast<std::size_t>(*sample.label);
  }

  EvalCounts counts_;
  const ClassView& view_;
  std::int64_t largest_label_;
  bool checked_ = false;
  std::vector<float> logits_;
  std::vector<float> reference_logits_;
};

std::int64_t largest_label(const std::vector<Sample>& images) {
  std::int64_t largest = -1;
  for (const Sample& sample : images) largest = std::max(largest, sample.label.value_or(-1));
  return largest;
}

/// One run over a list of images.
class Evaluation {
 public:
  Evaluation(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& images,
             const Preprocess& preprocess, const EvalOptions& options, const EvalHooks& hooks)
      : images_(images), hooks_(hooks), runner_(make_model_runner(model, options.input_shape, options.kernels, preprocess)),
        tally_(hooks.start, options.classes, largest_label(images)),
        loader_(images, preprocess, options.batch, options.bad_images) {
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
  Tally tally_;
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
