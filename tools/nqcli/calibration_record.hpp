#pragma once

#include <vector>

#include "nq/calibrate.hpp"
#include "nq/evaluation_record.hpp"

namespace nq {

/// Compares a quantized model with its float one on compared_images() of those it was calibrated on, read as `options`
/// say; `known` need not be read again, nor run through the float one. Throws as evaluate().
EvalReport compare_calibrated(const ModelFile& quantized, const ModelFile& model, const std::vector<Sample>& images,
                              const Preprocess& preprocess, const CalibrationOptions& options, const ClassView& classes,
                              const ComparedImages& known, Progress& progress);

/// That comparison as the quantized model records it.
EvaluationRecord calibration_record(const ModelFile& model, const std::vector<Sample>& images, const EvalReport& comparison);

}  // namespace nq
