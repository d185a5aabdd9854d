#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nq/batch_loader.hpp"
#include "nq/class_view.hpp"
#include "nq/exact_sum.hpp"
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
  ClassView classes = {};
};

/// What evaluating images adds up to: whole numbers and exact sums, so that counts of parts of the images add to
/// the counts of all, to the last digit and in any order.
struct EvalCounts {
  std::int64_t classes = 0;
  std::int64_t images = 0;
  std::int64_t labelled = 0;
  std::int64_t top1_correct = 0;
  std::int64_t top5_correct = 0;
  std::int64_t compared = 0;           ///< images that a reference saw too
  std::int64_t agreeing = 0;           ///< of these, with the same top-1 class
  std::int64_t reference_correct = 0;  ///< top-1 of the reference, on labelled images
  std::int64_t both_correct = 0;       ///< labelled images that model and reference get right
  ExactSum squared_difference;         ///< over images, of the mean over classes of (logit - reference)^2
  ExactSum squared_reference;          ///< over images, of the mean over classes of reference^2
  ExactSum fourth_difference;          ///< over images, of the squared term of squared_difference

  /// Labelled images that the reference alone gets right, and that the model alone does.
  std::int64_t lost() const noexcept { return reference_correct - both_correct; }
  std::int64_t gained() const noexcept { return top1_correct - both_correct; }

  /// Throws Error(usage) when the numbers of classes differ.
  void add(const EvalCounts& other);
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
  EvalCounts counts;   ///< what the figures above are made of

  double top1() const noexcept { return labelled > 0 ? double(top1_correct) / double(labelled) : 0; }
  double top5() const noexcept { return labelled > 0 ? double(top5_correct) / double(labelled) : 0; }
  double images_per_s() const noexcept { return seconds > 0 ? double(images) / seconds : 0; }
};

/// Refuses labels that are no classes of the model, before anything is run. Throws as ClassView and evaluate().
void check_labels(const ModelFile& model, const std::vector<Sample>& images, const EvalOptions& options);

/// The figures that counts stand for.
EvalReport report_of(const EvalCounts& counts);

/// How far an evaluation has come.
struct EvalProgress {
  EvalCounts counts;
  std::int64_t consumed = 0;  ///< samples taken from the list, the unreadable ones included
  std::vector<SkippedImage> skipped;
};

/// Hooks into a running evaluation; all optional.
struct EvalHooks {
  EvalCounts start;  ///< counts to go on from
  /// Asked after every image; false ends the evaluation there.
  std::function<bool(const EvalCounts&)> go_on;
  /// Told after every batch, and before an interruption takes effect.
  std::function<void(const EvalProgress&)> checkpoint;
  /// Outputs of the reference. A batch of images of which all are known is not run through it.
  KnownValues known_reference;
  /// Preprocessed pixels of images that need not be read again.
  KnownValues known_pixels;
};

/// Streams images through a model, and through `reference` when given, in memory that does not
/// grow with their number. Throws Error(usage) when a label lies outside the model's classes.
EvalReport evaluate(const ModelFile& model, const ModelFile* reference, const std::vector<Sample>& images,
                    const Preprocess& preprocess, const EvalOptions& options, Progress& progress,
                    const EvalHooks& hooks = {});

}  // namespace nq
