#pragma once

#include <map>
#include <string>

#include "nq/calibrate.hpp"

namespace nq {

/// A calibration as a file records it.
struct RecordedRun {
  CalibrationOptions calibration;
  std::map<std::string, std::string> added;  ///< recorded by the command line besides the calibration's own
};

/// Reads the options that calibrate wrote into the metadata (a JSON object of texts) with the parser of the command
/// line. Throws Error(input) when one is not understood.
RecordedRun read_recorded_options(const std::string& method, const std::string& seed, const std::string& options_json);

}  // namespace nq
