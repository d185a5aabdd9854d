#pragma once

#include <optional>
#include <span>
#include <vector>

#include "nq/evaluate.hpp"

namespace nq {

/// The largest label of the images; -1 when none has one.
std::int64_t largest_label(const std::vector<Sample>& images);

/// Throws Error(usage) when the image has a label that is no class.
void check_label(const Sample& sample, std::int64_t classes);

/// Counts the outputs of one model, image after image.
class EvalTally {
 public:
  /// Goes on from `start`. Refers to `view`.
  EvalTally(EvalCounts start, const ClassView& view, std::int64_t largest_label)
      : counts_(std::move(start)), view_(view), largest_label_(largest_label) {}

  const EvalCounts& counts() const noexcept { return counts_; }

  /// Outputs of one image, [outputs] each. Throws Error(usage) when model and reference differ in their number, or
  /// when the image's label lies outside the classes.
  void add(std::span<const float> outputs, const std::optional<std::span<const float>>& reference, const Sample& sample);

 private:
  void check_outputs(std::span<const float> outputs);
  bool count_labelled(std::span<const float> logits, const Sample& sample);
  void compare(std::span<const float> logits, std::span<const float> reference, const Sample& sample, bool correct);

  EvalCounts counts_;
  const ClassView& view_;
  std::int64_t largest_label_;
  bool checked_ = false;
  std::vector<float> logits_;
  std::vector<float> reference_logits_;
};

}  // namespace nq
