#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "nq/calibrate.hpp"

namespace nq {

/// Adds method, bits and search options, which are written to `options` when parsed.
void add_calibration_options(CLI::App& command, CalibrationOptions& options);

}  // namespace nq
