#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace nq {

/// Tells the states of a file apart: another file, or one that was written to since, has another stamp. A write within the
/// system's clock tick (some milliseconds) of the one before may not show.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;        ///< bytes
  std::int64_t modified_ns = 0;  ///< since the epoch

  bool same_file(const FileStamp& other) const noexcept { return device == other.device && inode == other.inode; }
  bool operator==(const FileStamp&) const = default;
};

/// The stamp of what `path` names now, symbolic links followed; nothing when there is nothing.
std::optional<FileStamp> stamp_of(const std::filesystem::path& path) noexcept;

/// A regular file opened for reading; owns the descriptor.
class RegularFile {
 public:
  /// Throws Error(input) naming the path and the reason, and Error(resource) above `max_bytes`.
  RegularFile(const std::filesystem::path& path, std::uint64_t max_bytes);
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;
  ~RegularFile();

  int fd() const noexcept { return fd_; }
  /// When it was opened.
  const FileStamp& stamp() const noexcept { return stamp_; }
  std::uint64_t size() const noexcept { return stamp_.size; }

 private:
  int fd_ = -1;
  FileStamp stamp_;
};

}  // namespace nq
