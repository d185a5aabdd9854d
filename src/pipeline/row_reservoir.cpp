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
  std::size_t slot = heap_.size();
  if (heap_.size() == capacity_) {
    if (capacity_ == 0 || rank >= heap_.front().rank) return;
    std::pop_heap(heap_.begin(), heap_.end(), lower_rank);
    slot = heap_.back().slot;
    heap_.pop_back();
  } else if (slot == blocks_.size() * kBlockRows) {
    const std::size_t rows = std::min(kBlockRows, capacity_ - slot);
    blocks_.push_back(float_pages(rows * row_length_));
  }
  std::copy_n(row, row_length_, blocks_[slot / kBlockRows].get() + slot % kBlockRows * row_length_);
  heap_.push_back({rank, slot, tag});
  std::push_heap(heap_.begin(), heap_.end(), lower_rank);
}

}  // namespace nq
