#pragma once

#include <filesystem>
#include <string_view>

namespace nq {

/// Throws Error(input) unless `path` could be created or replaced in its folder; leaves nothing
/// behind. Long runs call it before they start.
void check_writable(const std::filesystem::path& path);

/// Writes `bytes` to a temporary file beside `path`, syncs it, and renames it into place: readers
/// see the old file or the new one, never a part. On failure the temporary file is removed and
/// Error(input) names the path and the reason.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace nq
