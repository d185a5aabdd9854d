#pragma once

#include <vector>

#include "nq/calibrate.hpp"
#include "nq/evaluation_record.hpp"

namespace nq {

/// Compares a quantized model with its float one on the images that it was calibrated on, read as `options` say. Throws
/// as evaluate().
EvalReport compare_calibrated(const ModelFile& quantized, const ModelFile& model, const std::vector<Sample>& images,
                              const Preprocess& preprocess, const CalibrationOptions& options, Progress& progress);

/// That comparison as the quantized model records it.
EvaluationRecord calibration_record(const ModelFile& model, const std::vector<Sample>& images, const EvalReport& comparison);

}  // namespace nq
