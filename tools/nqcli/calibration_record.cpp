#include "calibration_record.hpp"

#include "nq/eval_state.hpp"

namespace nq {

EvalReport compare_calibrated(const ModelFile& quantized, const ModelFile& model, const std::vector<Sample>& images,
                              const Preprocess& preprocess, const CalibrationOptions& options, const ClassView& classes,
                              const std::map<std::string, std::vector<float>>& known, Progress& progress) {
  EvalOptions eval;
  eval.bad_images = options.bad_images;
  eval.input_shape = options.input_shape;
  eval.classes = classes;
  EvalHooks hooks;
  hooks.known_reference = [&](const Sample& sample) {
    const auto it = known.find(sample.name);
    return it == known.end() ? std::span<const float>() : std::span<const float>(it->second);
  };
  return evaluate(quantized, &model, compared_images(images), preprocess, eval, progress, hooks);
}

EvaluationRecord calibration_record(const ModelFile& model, const std::vector<Sample>& images, const EvalReport& comparison) {
  return record_evaluation(kCalibrationSet, samples_sha256(compared_images(images)), model.sha256(), comparison);
}

}  // namespace nq
