#include "pipeline/eval_tally.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "pipeline/logits.hpp"

namespace nq {
namespace {

std::size_t checked_label(std::span<const float> logits, const Sample& sample) {
  check_label(sample, static_cast<std::int64_t>(logits.size()));
  return static_cast<std::size_t>(*sample.label);
}

}  // namespace

void check_label(const Sample& sample, std::int64_t classes) {
  NQ_CHECK(sample.label.value_or(0) >= 0 && sample.label.value_or(0) < classes, usage,
           "image '{}' has label {}, the model has {} classes", sample.name, *sample.label, classes);
}

std::int64_t largest_label(const std::vector<Sample>& images) {
  std::int64_t largest = -1;
  for (const Sample& sample : images) largest = std::max(largest, sample.label.value_or(-1));
  return largest;
}

void EvalTally::add(std::span<const float> outputs, const std::optional<std::span<const float>>& reference,
                    const Sample& sample) {
  check_outputs(outputs);
  const auto logits = view_.select(outputs, logits_);
  ++counts_.images;
  const bool correct = sample.label && count_labelled(logits, sample);
  if (!reference) return;
  NQ_CHECK(outputs.size() == reference->size(), usage, "the model has {} outputs per image, its reference {}",
           outputs.size(), reference->size());
  compare(logits, view_.select(*reference, reference_logits_), sample, correct);
}

void EvalTally::check_outputs(std::span<const float> outputs) {
  if (checked_) return;
  const auto width = static_cast<std::int64_t>(outputs.size());
  const std::int64_t classes = view_.num_classes(width);
  if (largest_label_ >= 0) view_.check_labels(width, largest_label_);
  NQ_CHECK(counts_.classes == 0 || counts_.classes == classes, usage, "the counts to go on from have {} classes, the model {}",
           counts_.classes, classes);
  counts_.classes = classes;
  checked_ = true;
}

bool EvalTally::count_labelled(std::span<const float> logits, const Sample& sample) {
  const std::int64_t rank = rank_of(logits, checked_label(logits, sample));
  ++counts_.labelled;
  counts_.top1_correct += rank == 0 ? 1 : 0;
  counts_.top5_correct += rank < 5 ? 1 : 0;
  return rank == 0;
}

void EvalTally::compare(std::span<const float> logits, std::span<const float> reference, const Sample& sample,
                        bool correct) {
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

}  // namespace nq
