#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace nq {

/// An option that takes a fraction of 1, written as 0.75 or 75%.
CLI::Option* add_fraction_option(CLI::App& command, const std::string& flag, std::optional<double>& target,
                                 const std::string& help);

}  // namespace nq
