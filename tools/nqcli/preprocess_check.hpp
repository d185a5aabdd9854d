#pragma once

#include "nq/evaluate.hpp"
#include "nq/image_folder.hpp"

namespace nq {

/// Before calibration: is there a clearly better way to preprocess than the one described? Asks nothing of a folder
/// with fewer than 50 labelled images, unless an accuracy is expected. Throws Error(input) naming the better one with
/// figures, or when top-1 is far below `expected_top1`; Error(usage) when there are too few labels for that.
void guard_preprocess(const ModelFile& model, const ImageFolder& folder, const Preprocess& preprocess,
                      const EvalOptions& options, std::optional<double> expected_top1, Progress& progress);

}  // namespace nq
