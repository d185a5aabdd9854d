#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nq/evaluate.hpp"

namespace nq {

/// One way to preprocess, measured on labelled images.
struct PreprocessScore {
  std::string change;     ///< what differs from the description in use: "mean and std of 'imagenet', BGR"
  Preprocess preprocess;
  std::int64_t images = 0;
  std::int64_t correct = 0;
  double loss = 0;        ///< mean cross-entropy of the label, nats
  double gain = 0;        ///< mean fall of the loss against the description in use, on the same images
  double z = 0;           ///< gain in its standard errors
  bool screened_out = false;  ///< not better on the first images, and not followed further

  double top1() const noexcept { return images > 0 ? double(correct) / double(images) : 0; }
};

struct PreprocessCheck {
  PreprocessScore in_use;
  std::vector<PreprocessScore> candidates;  ///< in the order tried
  std::optional<std::size_t> better;        ///< the best of those that are significantly and clearly better
};

/// Measures a float model with the description in use and with candidates for it: another mean and std, channel
/// order, crop, interpolation.
///
/// A candidate is better when the cross-entropy of the labels falls by more than 4.5 standard errors (paired, one
/// image a pair) and by more than 3 %, and top-1 does not fall. The cross-entropy shows a wrong normalization on a
/// hundred images where top-1 needs thousands. `samples` carry labels; other images are passed over. The description
/// in use is measured on all images when `measure_all`, else on as many as the candidates need. Throws as
/// evaluate(), Error(input) when no image has a label.
PreprocessCheck check_preprocess(const ModelFile& model, const std::vector<Sample>& samples, const Preprocess& in_use,
                                 const EvalOptions& options, Progress& progress, bool measure_all);

/// The candidates that check_preprocess() tries.
std::vector<PreprocessScore> preprocess_candidates(const Preprocess& in_use);

/// Whether the accuracy in use speaks against `expected_top1`: the whole 99.9 % interval (Wilson 1927) lies below it.
bool is_far_below(const PreprocessScore& in_use, double expected_top1);

/// A paragraph with figures, for people.
std::string describe(const PreprocessCheck& check);

}  // namespace nq
