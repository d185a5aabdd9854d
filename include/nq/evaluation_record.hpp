#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nq/evaluate.hpp"
#include "nq/model_file.hpp"

namespace nq {

/// EvaluationRecord::set of the images that a file was calibrated on, and of others.
inline constexpr const char* kCalibrationSet = "calibration";
inline constexpr const char* kEvaluationSet = "evaluation";

/// An evaluation as the evaluated file records it.
struct EvaluationRecord {
  /// Distance to another model on the same images.
  struct Reference {
    std::string sha256;
    std::int64_t top1_correct = 0;  ///< of the labelled images
    double agreement = 0;           ///< fraction of images with the same top-1 class
    double logit_mse = 0;           ///< mean over images and classes
  };

  std::string set;            ///< kCalibrationSet or kEvaluationSet
  std::string images_sha256;  ///< samples_sha256()
  std::int64_t images = 0;
  std::int64_t labelled = 0;
  std::int64_t top1_correct = 0;
  std::int64_t top5_correct = 0;
  std::optional<Reference> reference;
};

/// `reference_sha256` is empty without a reference.
EvaluationRecord record_evaluation(std::string set, std::string images_sha256, std::string reference_sha256,
                                   const EvalReport& report);

/// Records in the order in which they were made; none when the metadata hold none. Throws Error(input) when they
/// cannot be read.
std::vector<EvaluationRecord> evaluations_of(const ModelFile& model);

/// A copy that records the evaluation (metadata nqcli.evaluations, a JSON list), in place of an earlier one of the same
/// images against the same reference. Throws as evaluations_of().
ModelFile with_evaluation(const ModelFile& model, const EvaluationRecord& record);

/// JSON object; the same record gives the same text.
std::string evaluation_to_json(const EvaluationRecord& record);
/// Throws Error(input) naming the key that is missing or of the wrong type.
EvaluationRecord evaluation_from_json(const std::string& text);

}  // namespace nq
