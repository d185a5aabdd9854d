#pragma once

#include <ctime>

namespace nq::bench {

/// Seconds on a monotonic clock. With one thread it is the thread's processor time, which other
/// programs on the machine do not disturb; with more it is wall time.
inline double seconds_now(int threads) {
  timespec time{};
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace nq::bench
