#pragma once

#include <string>

#include "calibration_report.hpp"
#include "document.hpp"
#include "nq/inspect.hpp"

namespace nq {

/// What a calibration would do.
struct CalibrationPlan {
  CalibrationFiles files;
  std::string method;
  std::size_t images = 0;
  Inspection inspection;
};

/// The JSON document of `calibrate --dry-run` (schema 1).
Json plan_document(const CalibrationPlan& plan);

/// The same for people: a line per layer and product, then the summary.
std::string plan_text(const CalibrationPlan& plan);

}  // namespace nq
