#pragma once

#include <filesystem>
#include <string>

#include "nq/method.hpp"

namespace nq {

/// Settles what the options leave open for `target` (a name, empty for none). Throws Error(usage) when they make a file that it
/// does not take.
void fit_for_target(const std::string& target, const std::string& noise_dtype, bool int4_weights, MethodOptions& fit);

/// Verifies a written file for `target`, empty for none. Throws Error(gate) with what is wrong.
void check_written_for(const std::string& target, const std::filesystem::path& path);

}  // namespace nq
