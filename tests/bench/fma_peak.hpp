#pragma once

namespace nq::bench {

/// Multiply-adds per second of one thread times two, in GFLOP/s, measured with independent
/// register chains of the widest vectors that the processor has.
double fma_peak_gflops();

}  // namespace nq::bench
