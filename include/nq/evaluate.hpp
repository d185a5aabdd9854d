#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nq/batch_loader.hpp"
#include "nq/executor.hpp"
#include "nq/image_folder.hpp"
#include "nq/model_file.hpp"
#include "nq/preprocess.hpp"
#include "nq/progress.hpp"

namespace nq {

struct EvalOptions {
  std::int64_t batch = 16;  ///< images in flight; never changes a result
  BadImages bad_images = BadImages::fail;
  std::optional<Shape> input_shape;
  KernelChoice kernels = KernelChoice::automatic;
};

/// Logits of the model against those of a reference on the same images.
struct ReferenceComparison {
  double logit_mse = 0;  ///< mean over images and classes of the squared difference
  double agreement = 0;  ///< fraction of images with the same top-1 class
  double sqnr_db = 0;    ///< 10 log10(sum reference^2 / sum difference^2)
  double reference_top1 = 0;  ///< of the reference, on labelled images
};

struct EvalReport {
  std::int64_t images = 0;
  std::int64_t labelled = 0;
  std::int64_t top1_correct = 0;
  std::int64_t top5_correct = 0;
  std::int64_t classes = 0;
  std::optional<ReferenceComparison> reference;
  std::vector<SkippedImage> skipped_images;
  double seconds = 0;  ///< wall time of the streaming loop

  double top1() const noexcept { return labelled > 0 ? double(top1_correct) / double(labelled) : 0; }
  double top5() const noexcept { return labelled > 0 ? double(top5_correct) / double(labelled) : 0; }
  double images_per_s() const noexcept { return seconds > 0 ? double(images) / seconds : 0; }
};

/// Streams images through a model, and through `reference` when given, in memory that does not
/// grow with their number. Throws Error(usage) when a label lies outside the model's classes.
EvalReport evaluate(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& images,
                    const Preprocess& preprocess, const EvalOptions& options, Progress& progress);

}  // namespace nq
