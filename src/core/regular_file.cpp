#include "core/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/check.hpp"

namespace nq {
namespace {

FileStamp stamp_from(const struct stat& info) noexcept {
  return {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino), static_cast<std::uint64_t>(info.st_size),
          static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec};
}

FileStamp checked_stamp(int fd, const std::filesystem::path& path, std::uint64_t max_bytes) {
  struct stat info {};
  NQ_CHECK(::fstat(fd, &info) == 0, input, "cannot read '{}': {}", path.string(), std::strerror(errno));
  NQ_CHECK(S_ISREG(info.st_mode), input, "'{}' is not a regular file", path.string());
  NQ_CHECK(static_cast<std::uint64_t>(info.st_size) <= max_bytes, resource,
           "'{}' has {} bytes, more than the limit of {}", path.string(), info.st_size, max_bytes);
  return stamp_from(info);
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::filesystem::path& path) noexcept {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return stamp_from(info);
}

// O_NONBLOCK: opening a pipe must not wait for a writer before it is refused.
RegularFile::RegularFile(const std::filesystem::path& path, std::uint64_t max_bytes)
    : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  NQ_CHECK(fd_ >= 0, input, "cannot read '{}': {}", path.string(), std::strerror(errno));
  try {
    stamp_ = checked_stamp(fd_, path, max_bytes);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

RegularFile::~RegularFile() { ::close(fd_); }

}  // namespace nq
