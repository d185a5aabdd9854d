#include "core/parallel.hpp"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>

#include "core/check.hpp"
#include "core/divide_up.hpp"

namespace nq {
namespace {

std::atomic<int> requested_threads{0};

/// Keeps the exception of the lowest chunk, so that the message does not depend on timing.
class FirstError {
 public:
  template <typename Body>
  void guard(std::int64_t chunk, const Body& body) {
    try {
      body(chunk);
    } catch (...) {
      capture(chunk);
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void capture(std::int64_t chunk) {
    const std::lock_guard lock(mutex_);
    if (chunk >= chunk_) return;
    chunk_ = chunk;
    error_ = std::current_exception();
  }

  std::mutex mutex_;
  std::int64_t chunk_ = std::numeric_limits<std::int64_t>::max();
  std::exception_ptr error_;
};

/// Threads for so many chunks: one inside another parallel loop.
int threads_for(std::int64_t chunks) {
  return omp_in_parallel() != 0 ? 1 : static_cast<int>(std::min<std::int64_t>(num_threads(), chunks));
}

}  // namespace

int num_threads() noexcept {
  const int requested = requested_threads.load(std::memory_order_relaxed);
  return requested > 0 ? requested : std::max(1, omp_get_num_procs());
}

void set_num_threads(int threads) {
  NQ_CHECK(threads >= 0 && threads <= 4096, usage, "thread count {} is outside 0..4096", threads);
  requested_threads.store(threads, std::memory_order_relaxed);
}

int thread_index() noexcept { return omp_get_thread_num(); }

void parallel_for(std::int64_t begin, std::int64_t end, std::int64_t grain,
                  const std::function<void(std::int64_t, std::int64_t)>& body) {
  if (begin >= end) return;
  const std::int64_t step = std::max<std::int64_t>(1, grain);
  const std::int64_t chunks = divide_up(end - begin, step);
  const auto run_chunk = [&](std::int64_t chunk) {
    const std::int64_t first = begin + chunk * step;
    body(first, std::min(end, first + step));
  };
  const int threads = threads_for(chunks);
  if (threads <= 1) {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) run_chunk(chunk);
    return;
  }
  FirstError first_error;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) first_error.guard(chunk, run_chunk);
  first_error.rethrow();
}

void parallel_tasks(std::int64_t count, const std::function<void(std::int64_t)>& task) {
  const int threads = threads_for(count);
  if (threads <= 1) {
    for (std::int64_t index = 0; index < count; ++index) task(index);
    return;
  }
  FirstError first_error;
#pragma omp parallel for schedule(monotonic : dynamic, 1) num_threads(threads)
  for (std::int64_t index = 0; index < count; ++index) first_error.guard(index, task);
  first_error.rethrow();
}

}  // namespace nq
