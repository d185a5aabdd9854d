#include "exec/arena_layout.hpp"

#include <algorithm>
#include <limits>

namespace nq {

std::size_t ArenaLayout::allocate(std::size_t bytes) {
  const std::size_t size = std::max<std::size_t>((bytes + kAlignment - 1) / kAlignment * kAlignment, kAlignment);
  std::size_t best_offset = 0;
  std::size_t best_gap = std::numeric_limits<std::size_t>::max();
  std::size_t cursor = 0;
  for (const auto& [offset, used] : used_) {
    const std::size_t gap = offset - cursor;
    if (gap >= size && gap < best_gap) {
      best_gap = gap;
      best_offset = cursor;
    }
    cursor = offset + used;
  }
  const std::size_t chosen = best_gap == std::numeric_limits<std::size_t>::max() ? cursor : best_offset;
  used_[chosen] = size;
  peak_ = std::max(peak_, chosen + size);
  return chosen;
}

void ArenaLayout::release(std::size_t offset) { used_.erase(offset); }

}  // namespace nq
