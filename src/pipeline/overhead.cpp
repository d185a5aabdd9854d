#include "nq/overhead.hpp"

namespace nq {

NoiseOverhead noise_overhead(const std::vector<NoisyInput>& inputs, std::int64_t parameters) {
  NoiseOverhead overhead;
  overhead.parameters = parameters;
  for (const NoisyInput& input : inputs) {
    ++overhead.inputs;
    overhead.values += input.c_in;
    overhead.macs += input.tokens * input.c_in * input.c_out;
    overhead.noise_adds += input.tokens * input.c_in;
    overhead.bias_adds += input.tokens * input.c_out;
    if (!input.is_stored) continue;
    overhead.stored_values += input.c_in;
    overhead.stored_adds += input.tokens * input.c_in;
  }
  return overhead;
}

}  // namespace nq
