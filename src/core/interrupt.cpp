#include "nq/interrupt.hpp"

#include <csignal>

#include "core/check.hpp"

namespace nq {
namespace {
volatile std::sig_atomic_t interrupt_requested = 0;
}  // namespace

void request_interrupt() noexcept { interrupt_requested = 1; }

void check_interrupt() {
  NQ_CHECK(interrupt_requested == 0, interrupted, "stopped by a signal");
}

}  // namespace nq
