#pragma once

namespace nq {

/// Gives freed memory that the heap holds back to the system. For the end of a phase that held much more than the next will.
void return_freed_memory() noexcept;

}  // namespace nq
