#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/check.hpp"

namespace nq {

/// A cursor over bytes whose every read is checked. Throws Error(input) "truncated file".
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  bool at_end() const noexcept { return remaining() == 0; }

  std::span<const std::byte> take(std::size_t count) {
    NQ_CHECK(count <= remaining(), input, "truncated file");
    const auto part = bytes_.subspan(position_, count);
    position_ += count;
    return part;
  }
  void skip(std::size_t count) { take(count); }

  std::uint32_t u8() { return big_endian(1); }
  std::uint32_t u16_be() { return big_endian(2); }
  std::uint32_t u32_be() { return big_endian(4); }
  std::uint32_t u16_le() { return little_endian(2); }
  std::uint32_t u32_le() { return little_endian(4); }

  /// The next byte without moving on.
  std::uint32_t peek() {
    const std::uint32_t value = u8();
    --position_;
    return value;
  }

 private:
  std::uint32_t big_endian(std::size_t count) {
    std::uint32_t value = 0;
    for (const std::byte byte : take(count)) value = value << 8 | std::to_integer<std::uint32_t>(byte);
    return value;
  }
  std::uint32_t little_endian(std::size_t count) {
    std::uint32_t value = 0;
    int shift = 0;
    for (const std::byte byte : take(count)) {
      value |= std::to_integer<std::uint32_t>(byte) << shift;
      shift += 8;
    }
    return value;
  }

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

}  // namespace nq
