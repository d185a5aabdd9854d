#pragma once

#include <CLI/CLI.hpp>

#include "nq/calibrate.hpp"

namespace nq {

/// Adds the options that choose which linear layers are quantized.
void add_selection_options(CLI::App& command, SiteSelection& selection);

/// Whether any of them was given.
bool selection_given(const CLI::App& command);

}  // namespace nq
