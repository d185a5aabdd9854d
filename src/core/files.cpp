#include "core/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/check.hpp"
#include "core/regular_file.hpp"

namespace nq {
namespace {

/// Refuses folders and whatever is marked read-only: a rename would silently replace a
/// write-protected file, and the superuser passes every permission check.
void check_target(const std::filesystem::path& path) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  NQ_CHECK(kind != std::filesystem::file_type::none, input, "cannot write '{}': {}", path.string(), error.message());
  NQ_CHECK(kind != std::filesystem::file_type::directory, input, "cannot write '{}': it is a folder", path.string());
  // A rename would turn a device or a pipe into a regular file.
  NQ_CHECK(kind == std::filesystem::file_type::not_found || kind == std::filesystem::file_type::regular, input,
           "cannot write '{}': it is not a regular file", path.string());
  const auto is_read_only = [](const std::filesystem::path& item) {
    struct stat info {};
    return ::stat(item.c_str(), &info) == 0 && (info.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0;
  };
  NQ_CHECK(!is_read_only(path), input, "cannot write '{}': the existing file is read-only", path.string());
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  NQ_CHECK(std::filesystem::is_directory(folder, error), input, "cannot write '{}': folder '{}' does not exist",
           path.string(), folder.string());
  NQ_CHECK(!is_read_only(folder), input, "cannot write '{}': folder '{}' is read-only", path.string(),
           folder.string());
}

/// Makes a rename outlast a power failure. The file is complete without it, and not every file system can.
void sync_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  (void)::fsync(fd);
  ::close(fd);
}

}  // namespace

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const RegularFile file(path, max_bytes);
  std::string bytes;
  try {
    bytes.resize(static_cast<std::size_t>(file.size()));
  } catch (const std::exception&) {
    fail(ErrorKind::resource, "cannot allocate {} bytes to read '{}'", file.size(), path.string());
  }
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.fd(), bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    NQ_CHECK(got >= 0, input, "reading '{}' failed: {}", path.string(), std::strerror(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

AtomicFile::AtomicFile(std::filesystem::path target) : target_(std::move(target)) {
  check_target(target_);
  temporary_ = std::make_unique<TemporaryName>(target_.string());
  fd_ = temporary_->fd();
  NQ_CHECK(fd_ >= 0, input, "cannot write '{}': {}", target_.string(), std::strerror(errno));
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (temporary_) ::unlink(temporary_->path());
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    NQ_CHECK(written >= 0, input, "writing '{}' failed: {}", target_.string(), std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  NQ_CHECK(::fchmod(fd_, 0666 & ~mask) == 0 && ::fsync(fd_) == 0, input, "writing '{}' failed: {}", target_.string(),
           std::strerror(errno));
  const int closed = ::close(std::exchange(fd_, -1));
  NQ_CHECK(closed == 0, input, "writing '{}' failed: {}", target_.string(), std::strerror(errno));
  NQ_CHECK(::rename(temporary_->path(), target_.c_str()) == 0, input, "cannot replace '{}': {}", target_.string(),
           std::strerror(errno));
  temporary_.reset();
  sync_folder(target_);
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void check_writable(const std::filesystem::path& path) { const AtomicFile probe(path); }

}  // namespace nq
