#pragma once

#include <CLI/CLI.hpp>

#include "nq/executor.hpp"

namespace nq {

/// Adds --kernels, which is written to `choice` when parsed.
void add_kernel_option(CLI::App& command, KernelChoice& choice);

/// "auto" or "reference", as on the command line.
std::string_view to_string(KernelChoice choice) noexcept;

}  // namespace nq
