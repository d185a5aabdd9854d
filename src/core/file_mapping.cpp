#include "core/file_mapping.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "core/check.hpp"

namespace nq {
namespace {

/// Address ranges of the live mappings: a tensor does not know what owns its bytes.
class Registry {
 public:
  void add(std::span<const std::byte> range) {
    const std::lock_guard lock(mutex_);
    ranges_[range.data()] = range.size();
  }

  void remove(std::span<const std::byte> range) {
    const std::lock_guard lock(mutex_);
    ranges_.erase(range.data());
  }

  bool contains(std::span<const std::byte> range) {
    const std::lock_guard lock(mutex_);
    auto it = ranges_.upper_bound(range.data());
    if (it == ranges_.begin()) return false;
    --it;
    return range.data() + range.size() <= it->first + it->second;
  }

 private:
  std::mutex mutex_;
  std::map<const std::byte*, std::size_t> ranges_;
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

FileMapping::FileMapping(const std::filesystem::path& path, std::uint64_t max_bytes) {
  const RegularFile file(path, max_bytes);
  stamp_ = file.stamp();
  size_ = static_cast<std::size_t>(file.size());
  if (size_ == 0) return;  // an empty range cannot be mapped
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd(), 0);
  NQ_CHECK(address != MAP_FAILED, resource, "cannot map '{}': {}", path.string(), std::strerror(errno));
  data_ = static_cast<const std::byte*>(address);
  registry().add(bytes());
}

FileMapping::~FileMapping() {
  if (data_ == nullptr) return;
  registry().remove(bytes());
  ::munmap(const_cast<std::byte*>(data_), size_);
}

bool in_mapped_file(std::span<const std::byte> bytes) { return registry().contains(bytes); }

void forget_file_pages(std::span<const std::byte> bytes) noexcept {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  if (bytes.size() < page || !registry().contains(bytes)) return;
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) / page * page;
  // Advice only: when the system refuses it, the pages stay.
  if (begin < end) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace nq
