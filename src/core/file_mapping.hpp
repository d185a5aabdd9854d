#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "core/regular_file.hpp"

namespace nq {

/// A regular file mapped for reading: pages are loaded when touched, and shared with the system's
/// cache. The file must not shrink while it is mapped; nqcli itself replaces files by renaming.
class FileMapping {
 public:
  /// Throws Error(input) naming the path and the reason, Error(resource) above `max_bytes`.
  explicit FileMapping(const std::filesystem::path& path, std::uint64_t max_bytes = UINT64_MAX);
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;
  ~FileMapping();

  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }
  /// When it was mapped.
  const FileStamp& stamp() const noexcept { return stamp_; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  FileStamp stamp_;
};

/// Whether `bytes` lie in a live FileMapping.
bool in_mapped_file(std::span<const std::byte> bytes);

/// Gives the whole pages of `bytes` back to the system when they belong to a FileMapping; they are
/// loaded again when touched. Other memory is left alone. For weights of models that are larger
/// than memory should hold twice.
void forget_file_pages(std::span<const std::byte> bytes) noexcept;

}  // namespace nq
