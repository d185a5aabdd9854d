#pragma once

#include <cstddef>
#include <memory>

namespace nq {

/// Gives freed memory that the heap holds back to the system. For the end of a phase that held much more than the next will.
void return_freed_memory() noexcept;

/// From now on blocks of 1 MiB and more have pages of their own, which go back to the system when they are freed. For a
/// phase in which such blocks come and go while small ones come and stay: those would keep the heap between them apart.
/// Of what smaller ones leave, 8 MiB stay: the buffers of one image after the other need no new pages.
void map_large_blocks() noexcept;

/// From now on freed memory stays in the heap, up to 64 MiB of it, instead of going back to the system. For a phase that
/// takes and frees blocks of a few megabytes over and over: pages that come anew must be cleared first.
void keep_freed_memory() noexcept;

struct UnmapPages {
  std::size_t bytes = 0;
  void operator()(float* pages) const noexcept;
};

/// Floats in pages of their own, which all go back to the system when they are freed, whatever the heap holds.
using FloatPages = std::unique_ptr<float[], UnmapPages>;

/// `count` zeros, whose pages are there at once: that costs less than to meet each of them absent. Throws std::bad_alloc.
FloatPages float_pages(std::size_t count);

}  // namespace nq
