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

/// Calls task(index) for every index in [0, count), in this order as threads come free: for tasks of unequal cost. Nesting and
/// exceptions as for parallel_for.
void parallel_tasks(std::int64_t count, const std::function<void(std::int64_t)>& task);

/// Index of the calling thread inside the innermost of these, in [0, num_threads()).
int thread_index() noexcept;

}  // namespace nq
