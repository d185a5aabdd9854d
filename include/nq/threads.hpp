#pragma once

namespace nq {

/// Threads that the library uses: the last set_num_threads value, else all cores.
int num_threads() noexcept;

/// Sets the thread count; 0 restores "all cores". Throws Error(usage) when negative.
void set_num_threads(int threads);

}  // namespace nq
