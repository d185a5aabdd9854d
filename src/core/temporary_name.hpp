#pragma once

#include <string>

namespace nq {

/// A new file of a unique name, which remove_temporary_files() knows while this object lives.
class TemporaryName {
 public:
  /// Creates "<prefix>.nqcli-" and six characters more. fd() is negative, and errno tells why, when that failed.
  explicit TemporaryName(const std::string& prefix);
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  /// Forgets the name; the file stays.
  ~TemporaryName();

  const char* path() const noexcept { return path_; }
  int fd() const noexcept { return fd_; }

  /// Whether `name` is one that this class gives.
  static bool matches(const std::string& name);

 private:
  std::string own_;     ///< the name, when every slot is taken
  char* path_ = nullptr;
  int slot_ = -1;
  int fd_ = -1;
};

}  // namespace nq
