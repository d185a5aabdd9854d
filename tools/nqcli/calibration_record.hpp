#pragma once

#include <map>
#include <string>
#include <vector>

#include "nq/calibrate.hpp"
#include "nq/evaluation_record.hpp"

namespace nq {

/// Compares a quantized model with its float one on compared_images() of those it was calibrated on, read as `options`
/// say; `known` are outputs of the float one that need not be computed again. Throws as evaluate().
EvalReport compare_calibrated(const ModelFile& quantized, const ModelFile& model, const std::vector<Sample>& images,
                              const Preprocess& preprocess, const CalibrationOptions& options, const ClassView& classes,
                              const std::map<std::string, std::vector<float>>& known, Progress& progress);

/// That comparison as the quantized model records it.
EvaluationRecord calibration_record(const ModelFile& model, const std::vector<Sample>& images, const EvalReport& comparison);

}  // namespace nq
