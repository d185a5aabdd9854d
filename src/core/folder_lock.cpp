#include "core/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/check.hpp"

namespace nq {
namespace {

void take(int fd, const std::filesystem::path& folder) {
  int failed = 0;
  do failed = ::flock(fd, LOCK_EX | LOCK_NB);
  while (failed != 0 && errno == EINTR);
  if (failed == 0) return;
  if (errno == EWOULDBLOCK) {
    throw Error(ErrorKind::input, fmt::format("'{}' is in use by another process", folder.string()),
                "wait until it ends, or name another folder");
  }
  fail(ErrorKind::input, "cannot lock '{}': {}", folder.string(), std::strerror(errno));
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directory(folder, error);
  NQ_CHECK(!error, input, "cannot make the folder '{}': {}", folder.string(), error.message());
  fd_ = ::open((folder / kName).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  NQ_CHECK(fd_ >= 0, input, "cannot lock '{}': {}", folder.string(), std::strerror(errno));
  try {
    take(fd_, folder);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

FolderLock::~FolderLock() { ::close(fd_); }

}  // namespace nq
