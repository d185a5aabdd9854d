#include "core/heap.hpp"

#include <malloc.h>

namespace nq {

void return_freed_memory() noexcept { (void)::malloc_trim(0); }

}  // namespace nq
