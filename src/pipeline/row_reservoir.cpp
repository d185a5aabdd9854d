#include "pipeline/row_reservoir.hpp"

#include <algorithm>

namespace nq {
namespace {

// An object, not a function, so that the heap's algorithms have it inline.
constexpr auto lower_rank = [](const RowReservoir::Entry& a, const RowReservoir::Entry& b) { return a.rank < b.rank; };

}  // namespace

RowReservoir::RowReservoir(std::int64_t row_length, std::int64_t capacity)
    : row_length_(static_cast<std::size_t>(row_length)), capacity_(static_cast<std::size_t>(capacity)) {}

void RowReservoir::offer(const Rank& rank, const float* row, std::uint8_t tag) {
  if (entries_.size() < capacity_) {
    append(rank, row, tag);
    // A heap from the moment on that an entry must make room.
    if (entries_.size() == capacity_) std::make_heap(entries_.begin(), entries_.end(), lower_rank);
    return;
  }
  if (capacity_ == 0 || rank >= entries_.front().rank) return;
  std::pop_heap(entries_.begin(), entries_.end(), lower_rank);
  const std::size_t slot = entries_.back().slot;
  entries_.back() = {rank, slot, tag};
  std::push_heap(entries_.begin(), entries_.end(), lower_rank);
  std::copy_n(row, row_length_, slot_row(slot));
}

void RowReservoir::append(const Rank& rank, const float* row, std::uint8_t tag) {
  const std::size_t slot = entries_.size();
  if (slot == blocks_.size() * kBlockRows) {
    const std::size_t rows = std::min(kBlockRows, capacity_ - slot);
    blocks_.push_back(float_pages(rows * row_length_));
  }
  std::copy_n(row, row_length_, slot_row(slot));
  entries_.push_back({rank, slot, tag});
}

}  // namespace nq
