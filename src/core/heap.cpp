#include "core/heap.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <new>

namespace nq {

void return_freed_memory() noexcept { (void)::malloc_trim(0); }

void map_large_blocks() noexcept {
  constexpr int kMapped = 1 << 20;
  constexpr int kKept = 8 << 20;
  (void)::mallopt(M_MMAP_THRESHOLD, kMapped);
  (void)::mallopt(M_TRIM_THRESHOLD, kKept);
}

void keep_freed_memory() noexcept {
  constexpr int kMappedAlone = 32 << 20;  // the most that glibc accepts
  constexpr int kKept = 64 << 20;
  (void)::mallopt(M_MMAP_THRESHOLD, kMappedAlone);
  (void)::mallopt(M_TRIM_THRESHOLD, kKept);
}

void UnmapPages::operator()(float* pages) const noexcept { (void)::munmap(pages, bytes); }

FloatPages float_pages(std::size_t count) {
  const std::size_t bytes = count * sizeof(float);
  void* const pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return FloatPages(static_cast<float*>(pages), UnmapPages{bytes});
}

}  // namespace nq
