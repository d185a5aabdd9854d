#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "core/heap.hpp"

namespace nq {

/// Keeps the rows of lowest rank among all rows offered, up to a capacity.
///
/// What is kept depends on the set of rows offered, not on their order: ranks are unique.
class RowReservoir {
 public:
  struct Rank {
    float primary = 0;
    std::uint64_t key = 0;  ///< breaks ties; unique per row
    auto operator<=>(const Rank&) const = default;
  };
  struct Entry {
    Rank rank;
    std::size_t slot = 0;
    std::uint8_t tag = 0;  ///< of the row, as it was offered
  };

  RowReservoir(std::int64_t row_length, std::int64_t capacity);

  void offer(const Rank& rank, const float* row, std::uint8_t tag = 0);

  /// Kept entries, in no particular order.
  std::span<const Entry> entries() const noexcept { return entries_; }
  const float* row(std::size_t slot) const noexcept { return slot_row(slot); }

 private:
  static constexpr std::size_t kBlockRows = 256;

  void append(const Rank& rank, const float* row, std::uint8_t tag);
  float* slot_row(std::size_t slot) const noexcept { return blocks_[slot / kBlockRows].get() + slot % kBlockRows * row_length_; }

  std::size_t row_length_;
  std::size_t capacity_;
  std::vector<Entry> entries_;  ///< once full a heap, largest rank first
  std::vector<FloatPages> blocks_;  ///< of kBlockRows rows: growing copies nothing and holds nothing twice
};

}  // namespace nq
