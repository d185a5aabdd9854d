#include "nq/evaluate.hpp"

#include <cmath>
#include <span>

#include "core/check.hpp"
#include "core/stopwatch.hpp"
#include "nq/image_input.hpp"
#include "pipeline/image_runner.hpp"

namespace nq {
namespace {

std::size_t argmax(std::span<const float> logits) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < logits.size(); ++k) {
    if (logits[k] > logits[best]) best = k;
  }
  return best;
}

/// Classes that come before `label`: higher logit, or an equal one at a lower index.
std::int64_t rank_of(std::span<const float> logits, std::size_t label) {
  if (std::isnan(logits[label])) return static_cast<std::int64_t>(logits.size());
  std::int64_t rank = 0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    if (logits[k] > logits[label] || (logits[k] == logits[label] && k < label)) ++rank;
  }
  return rank;
}

ImageRunner make_runner(const ModelFile& model, const EvalOptions& options, const Preprocess& preprocess) {
  return with_context(
      [&] {
        const Graph graph = model.to_graph();
        const ImageInput input = find_image_input(graph, options.input_shape);
        check_image_size(input, preprocess);
        return ImageRunner(plan_images(graph, input, options.kernels), input);
      },
      [&] { return fmt::format("in model '{}'", model.path().string()); });
}

/// Sums over images, in image order.
class Tally {
 public:
  explicit Tally(EvalReport& report) : report_(report) {}

  void add(std::span<const float> logits, const Sample& sample) {
    report_.classes = static_cast<std::int64_t>(logits.size());
    ++report_.images;
    if (!sample.label) return;
    const std::int64_t rank = rank_of(logits, checked_label(logits, sample));
    ++report_.labelled;
    report_.top1_correct += rank == 0 ? 1 : 0;
    report_.top5_correct += rank < 5 ? 1 : 0;
  }

  void compare(std::span<const float> logits, std::span<const float> reference, const Sample& sample) {
    NQ_CHECK(logits.size() == reference.size(), usage, "the model has {} outputs per image, its reference {}",
             logits.size(), reference.size());
    for (std::size_t k = 0; k < logits.size(); ++k) {
      const double difference = static_cast<double>(logits[k]) - static_cast<double>(reference[k]);
      squared_difference_ += difference * difference;
      squared_reference_ += static_cast<double>(reference[k]) * static_cast<double>(reference[k]);
    }
    agreeing_ += argmax(logits) == argmax(reference) ? 1 : 0;
    if (sample.label) reference_correct_ += rank_of(reference, checked_label(reference, sample)) == 0 ? 1 : 0;
  }

  void finish_comparison() {
    const auto images = static_cast<double>(report_.images);
    ReferenceComparison comparison;
    comparison.logit_mse = squared_difference_ / (images * static_cast<double>(report_.classes));
    comparison.agreement = static_cast<double>(agreeing_) / images;
    comparison.sqnr_db = 10.0 * std::log10(squared_reference_ / squared_difference_);
    if (report_.labelled > 0) {
      comparison.reference_top1 = static_cast<double>(reference_correct_) / static_cast<double>(report_.labelled);
    }
    report_.reference = comparison;
  }

 private:
  static std::size_t checked_label(std::span<const float> logits, const Sample& sample) {
    NQ_CHECK(*sample.label >= 0 && *sample.label < static_cast<std::int64_t>(logits.size()), usage,
             "image '{}' has label {}, the model has {} classes", sample.name, *sample.label, logits.size());
    return static_cast<std::size_t>(*sample.label);
  }

  EvalReport& report_;
  double squared_difference_ = 0;
  double squared_reference_ = 0;
  std::int64_t agreeing_ = 0;
  std::int64_t reference_correct_ = 0;
};

std::span<const float> image_logits(const Tensor& logits, std::size_t image) {
  const auto width = static_cast<std::size_t>(logits.shape()[1]);
  return logits.span<float>().subspan(image * width, width);
}

}  // namespace

EvalReport evaluate(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& images,
                    const Preprocess& preprocess, const EvalOptions& options, Progress& progress) {
  NQ_CHECK(options.batch > 0, usage, "the batch must be positive");
  ImageRunner runner = make_runner(model, options, preprocess);
  std::optional<ImageRunner> reference_runner;
  if (reference != nullptr) reference_runner.emplace(make_runner(*reference, options, preprocess));
  EvalReport report;
  Tally tally(report);
  BatchLoader loader(images, preprocess, options.batch, options.bad_images);
  progress.begin("evaluating", static_cast<std::int64_t>(images.size()), "images");
  const Stopwatch watch;
  while (const std::optional<Batch> batch = loader.next()) {
    const Tensor logits = runner.run(batch->images);
    const Tensor expected = reference_runner ? reference_runner->run(batch->images) : Tensor();
    for (std::size_t slot = 0; slot < batch->sample_index.size(); ++slot) {
      const Sample& sample = images[batch->sample_index[slot]];
      tally.add(image_logits(logits, slot), sample);
      if (reference_runner) tally.compare(image_logits(logits, slot), image_logits(expected, slot), sample);
    }
    progress.advance(static_cast<std::int64_t>(batch->sample_index.size()));
  }
  report.seconds = watch.seconds();
  progress.end();
  report.skipped_images = loader.skipped();
  NQ_CHECK(report.images > 0, input, "no image could be read");
  if (reference_runner) tally.finish_comparison();
  return report;
}

}  // namespace nq
