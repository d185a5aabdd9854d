#pragma once

#include <cstddef>
#include <map>

namespace nq {

/// Assigns offsets in one slab while a plan is laid out step by step.
///
/// Best fit over the free gaps, ties to the lower offset: deterministic.
class ArenaLayout {
 public:
  static constexpr std::size_t kAlignment = 64;

  std::size_t allocate(std::size_t bytes);
  void release(std::size_t offset);
  std::size_t peak() const noexcept { return peak_; }

 private:
  std::map<std::size_t, std::size_t> used_;  ///< offset -> size of the live blocks
  std::size_t peak_ = 0;
};

}  // namespace nq
