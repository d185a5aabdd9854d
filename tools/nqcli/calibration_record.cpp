#include "calibration_record.hpp"

#include "nq/eval_state.hpp"

namespace nq {

EvalReport compare_calibrated(const ModelFile& quantized, const ModelFile& model, const std::vector<Sample>& images,
                              const Preprocess& preprocess, const CalibrationOptions& options, const ClassView& classes,
                              const ComparedImages& known, Progress& progress) {
  EvalOptions eval;
  eval.bad_images = options.bad_images;
  eval.input_shape = options.input_shape;
  eval.classes = classes;
  EvalHooks hooks;
  const auto look_up = [&](const Sample& sample, std::vector<float> ComparedImage::* part) {
    const auto it = known.find(sample.name);
    return it == known.end() ? std::span<const float>() : std::span<const float>(it->second.*part);
  };
  hooks.known_reference = [&](const Sample& sample) { return look_up(sample, &ComparedImage::logits); };
  hooks.known_pixels = [&](const Sample& sample) { return look_up(sample, &ComparedImage::pixels); };
  return evaluate(quantized, &model, compared_images(images), preprocess, eval, progress, hooks);
}

EvaluationRecord calibration_record(const ModelFile& model, const std::vector<Sample>& images, const EvalReport& comparison) {
  return record_evaluation(kCalibrationSet, samples_sha256(compared_images(images)), model.sha256(), comparison);
}

}  // namespace nq
