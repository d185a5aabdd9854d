#pragma once

#include <cstdint>
#include <filesystem>

namespace nq {

/// A regular file opened for reading; owns the descriptor.
class RegularFile {
 public:
  /// Throws Error(input) naming the path and the reason, and Error(resource) above `max_bytes`.
  RegularFile(const std::filesystem::path& path, std::uint64_t max_bytes);
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;
  ~RegularFile();

  int fd() const noexcept { return fd_; }
  /// Bytes when it was opened.
  std::uint64_t size() const noexcept { return size_; }

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace nq
