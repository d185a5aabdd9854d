#pragma once

#include <cstdint>
#include <functional>

#include "nq/threads.hpp"

namespace nq {

/// Calls body(chunk_begin, chunk_end) over [begin, end) split at multiples of `grain`.
///
/// The split depends on `grain` alone, never on the thread count, so a body that computes each
/// chunk independently gives the same bits for any number of threads. Serial when called from
/// inside another parallel_for. When bodies throw, the exception of the lowest chunk is rethrown
/// after all threads have joined.
void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body);

/// Index of the calling thread inside the innermost parallel_for, in [0, num_threads()).
int thread_index() noexcept;

}  // namespace nq
