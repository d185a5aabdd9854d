#pragma once

#include <filesystem>

namespace nq {

/// Holds a folder for one process: the lock goes with the process, however that ends.
class FolderLock {
 public:
  /// Makes the folder when it is not there, and the file `lock` in it. Throws Error(input) when another process
  /// holds the folder or the lock cannot be made.
  explicit FolderLock(const std::filesystem::path& folder);
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

  static constexpr const char* kName = "lock";

 private:
  int fd_ = -1;
};

}  // namespace nq
