#include "core/memory_limit.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace nq {
namespace {

namespace fs = std::filesystem;

/// The number in a file that holds one, e.g. memory.max; nothing for "max".
std::optional<std::uint64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

std::uint64_t less(std::uint64_t limit, std::uint64_t used) { return limit > used ? limit - used : 0; }

void take_least(std::optional<std::uint64_t>& least, const std::optional<std::uint64_t>& other) {
  if (other) least = std::min(least.value_or(*other), *other);
}

/// Sizes of the process in bytes (proc(5), statm).
struct Sizes {
  std::uint64_t address_space = 0;
  std::uint64_t resident = 0;
  std::uint64_t data = 0;
};

Sizes sizes() {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::ifstream file("/proc/self/statm");
  Sizes sizes;
  std::uint64_t ignored = 0;  // shared, text, libraries
  file >> sizes.address_space >> sizes.resident >> ignored >> ignored >> ignored >> sizes.data;
  return {sizes.address_space * page, sizes.resident * page, sizes.data * page};
}

std::optional<std::uint64_t> below_limit(decltype(RLIMIT_AS) resource, std::uint64_t used) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return less(limit.rlim_cur, used);
}

/// MemAvailable of proc(5), meminfo.
std::optional<std::uint64_t> machine_memory() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::uint64_t kilobytes = 0;
  std::string rest;
  while (file >> key >> kilobytes && std::getline(file, rest)) {
    if (key == "MemAvailable:") return kilobytes * 1024;
  }
  return std::nullopt;
}

/// Folder of the process in the hierarchy of version 2: the line "0::/path" of /proc/self/cgroup.
std::optional<std::uint64_t> own_control_group() {
  const fs::path root = "/sys/fs/cgroup";
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) return control_group_memory(root / line.substr(4), root);
  }
  return std::nullopt;
}

}  // namespace

std::uint64_t resident_bytes() { return sizes().resident; }

std::optional<std::uint64_t> control_group_memory(const fs::path& folder, const fs::path& root) {
  std::optional<std::uint64_t> least;
  for (fs::path at = folder;; at = at.parent_path()) {
    const auto limit = number_in(at / "memory.max");
    if (limit) take_least(least, less(*limit, number_in(at / "memory.current").value_or(0)));
    if (at == root || !at.has_relative_path()) return least;
  }
}

std::optional<std::uint64_t> available_memory() {
  std::optional<std::uint64_t> least = machine_memory();
  take_least(least, own_control_group());
  const Sizes used = sizes();
  take_least(least, below_limit(RLIMIT_AS, used.address_space));
  take_least(least, below_limit(RLIMIT_DATA, used.data));
  return least;
}

}  // namespace nq
