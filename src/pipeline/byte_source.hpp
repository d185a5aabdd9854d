#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/check.hpp"

namespace nq {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they lie in memory");

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// Takes values off the front of the file; a file that ends early is refused before anything is
/// allocated for it.
class ByteSource {
 public:
  explicit ByteSource(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(std::uint64_t count) {
    NQ_CHECK(count <= rest_.size(), input, "the file ends early");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  template <typename T>
  std::vector<T> values(std::int64_t count) {
    const std::string_view bytes = take(static_cast<std::uint64_t>(count) * sizeof(T));
    std::vector<T> out(static_cast<std::size_t>(count));
    std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
  }

  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace nq
