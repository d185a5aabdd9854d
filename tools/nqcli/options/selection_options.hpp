#pragma once

#include <CLI/CLI.hpp>

#include "nq/calibrate.hpp"

namespace nq {

/// Adds the options that choose which linear layers are quantized.
void add_selection_options(CLI::App& command, SiteSelection& selection);

}  // namespace nq
