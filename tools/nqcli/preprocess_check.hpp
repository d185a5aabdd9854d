#pragma once

#include "nq/evaluate.hpp"
#include "nq/image_folder.hpp"

namespace nq {

/// Before calibration: is there a clearly better way to preprocess than the one described? Asks nothing of a folder
/// with fewer than 50 labelled images. Throws Error(input) naming the better one with figures.
void guard_preprocess(const ModelFile& model, const ImageFolder& folder, const Preprocess& preprocess,
                      const EvalOptions& options, Progress& progress);

}  // namespace nq
