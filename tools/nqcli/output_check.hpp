#pragma once

#include <filesystem>
#include <vector>

namespace nq {

/// Checks, before any work, that `output` can be written and is none of the files that are read.
/// Throws Error(usage) when it is one of them, Error(input) when it cannot be written.
void check_output(const std::filesystem::path& output, const std::vector<std::filesystem::path>& inputs);

}  // namespace nq
