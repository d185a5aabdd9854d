#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "nq/output_file.hpp"

namespace nq {

/// Whole content of a regular file. Throws Error(input) naming the path and the reason, and
/// Error(resource) above `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = UINT64_MAX);

}  // namespace nq
