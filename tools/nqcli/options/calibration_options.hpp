#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "nq/calibrate.hpp"

namespace nq {

/// Adds method, bits and search options, which are written to `options` when parsed.
void add_fit_options(CLI::App& command, CalibrationOptions& options);

/// Adds those of add_fit_options(), and what concerns the pass over the images.
void add_calibration_options(CLI::App& command, CalibrationOptions& options);

}  // namespace nq
