#pragma once

#include <filesystem>
#include <string>

#include "nq/method.hpp"

namespace nq {

/// Throws Error(usage) when the options make a file that `target` (a name, empty for none) does not take.
void check_target_options(const std::string& target, const MethodOptions& fit, const std::string& noise_dtype,
                          bool int4_weights);

/// Verifies a written file for `target`, empty for none. Throws Error(gate) with what is wrong.
void check_written_for(const std::string& target, const std::filesystem::path& path);

}  // namespace nq
