#pragma once

#include <filesystem>
#include <string>

#include "document.hpp"
#include "nq/calibrate.hpp"
#include "nq/evaluate.hpp"
#include "nq/inspect.hpp"

namespace nq {

/// The files of one calibration.
struct CalibrationFiles {
  std::filesystem::path source;  ///< the float model
  std::filesystem::path model;   ///< the quantized one
  std::filesystem::path recipe;
};

/// What calibrate did, and how the file that it wrote behaves.
struct CalibrationOutcome {
  CalibrationResult result;
  EvalReport comparison;  ///< of the written file with the float model, on the calibration images
  Inspection written;
  std::uint64_t model_bytes = 0;    ///< of the float model and its external data
  std::uint64_t written_bytes = 0;
};

/// The JSON document of `calibrate` (schema 1).
Json calibration_document(const CalibrationFiles& files, const Preprocess& preprocess,
                          const CalibrationOutcome& outcome);

/// The same for people: a row per layer and product, then the summary.
std::string calibration_text(const CalibrationFiles& files, const CalibrationOutcome& outcome);

}  // namespace nq
