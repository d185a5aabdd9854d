#pragma once

#include <functional>
#include <vector>

#include "nq/batch_loader.hpp"
#include "nq/calibrate.hpp"
#include "pipeline/calibration_state.hpp"

namespace nq {

/// One pass over a list of images, decoded in batches ahead of their use, from any place of the list on.
class ImageStream {
 public:
  /// The arguments must outlive the object.
  ImageStream(const std::vector<Sample>& images, const Preprocess& preprocess, BadImages bad_images)
      : images_(images), preprocess_(preprocess), bad_images_(bad_images) {}

  using Consume = std::function<void(const Batch&)>;
  using Keep = std::function<void(const CalibrationProgress&)>;

  /// Gives every batch after `start` to `consume`, its samples counted from the beginning of the list, and tells `keep`
  /// after every batch, and at the end, how far the pass is. Adds to the seconds of decode and forward.
  CalibrationProgress run(CalibrationProgress start, const Consume& consume, const Keep& keep, PhaseSeconds& seconds,
                          Progress& progress) const;

 private:
  CalibrationProgress run_rest(const CalibrationProgress& start, const Consume& consume, const Keep& keep, PhaseSeconds& seconds,
                               Progress& progress) const;

  const std::vector<Sample>& images_;
  const Preprocess& preprocess_;
  BadImages bad_images_;
};

}  // namespace nq
