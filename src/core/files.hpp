#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/temporary_name.hpp"
#include "nq/output_file.hpp"

namespace nq {

/// Whole content of a regular file. Throws Error(input) naming the path and the reason, and
/// Error(resource) above `max_bytes`.
std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes = UINT64_MAX);

/// A file that appears under its name when it is complete: written under a temporary name beside
/// it, removed unless committed. Throws Error(input) naming the path and the reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::string_view bytes);
  /// Syncs the file, renames it into place and syncs the folder.
  void commit();

 private:
  std::filesystem::path target_;
  std::unique_ptr<TemporaryName> temporary_;  ///< none once the file is in place
  int fd_ = -1;
};

}  // namespace nq
