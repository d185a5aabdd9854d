#pragma once

#include <filesystem>

namespace nq {

/// Throws Error(input) unless `path` could be created or replaced in its folder; leaves nothing
/// behind. Long runs call it before they start.
void check_writable(const std::filesystem::path& path);

}  // namespace nq
