#include "calibration_record.hpp"

#include "nq/eval_state.hpp"

namespace nq {

EvalReport compare_calibrated(const ModelFile& quantized, const ModelFile& model, const std::vector<Sample>& images,
                              const Preprocess& preprocess, const CalibrationOptions& options, Progress& progress) {
  EvalOptions eval;
  eval.bad_images = options.bad_images;
  eval.input_shape = options.input_shape;
  return evaluate(quantized, &model, images, preprocess, eval, progress);
}

EvaluationRecord calibration_record(const ModelFile& model, const std::vector<Sample>& images, const EvalReport& comparison) {
  return record_evaluation(kCalibrationSet, samples_sha256(images), model.sha256(), comparison);
}

}  // namespace nq
