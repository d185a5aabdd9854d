#include "nq/overhead.hpp"

#include <catch2/catch.hpp>

using namespace nq;

TEST_CASE("the overhead of DeiT-B at 384 pixels is the paper's", "[pipeline][overhead]") {
  // 12 blocks of width 768 over 24 x 24 patches and a class token.
  constexpr std::int64_t kWidth = 768;
  constexpr std::int64_t kTokens = 24 * 24 + 1;
  const std::int64_t block = 4 * kWidth * kWidth + 4 * kWidth + 2 * 4 * kWidth * kWidth + 5 * kWidth + 4 * kWidth;
  const std::int64_t parameters = (16 * 16 * 3 + 1) * kWidth + kWidth + kTokens * kWidth + 12 * block + 2 * kWidth + (kWidth + 1) * 1000;
  CHECK(parameters == 86859496);  // 86.9 M
  std::vector<NoisyInput> inputs;
  for (int k = 0; k < 12; ++k) {
    inputs.push_back({kWidth, 3 * kWidth, kTokens, false});
    inputs.push_back({kWidth, kWidth, kTokens, true});
    inputs.push_back({kWidth, 4 * kWidth, kTokens, false});
    inputs.push_back({4 * kWidth, kWidth, kTokens, true});
  }
  const NoiseOverhead overhead = noise_overhead(inputs, parameters);
  CHECK(overhead.values == 64512);  // 0.06 M
  CHECK(overhead.share() == Approx(0.0007).margin(0.00005));
  // A thousand times more products than additions; below 0.4 % and 0.03 % of their energy.
  CHECK(overhead.macs / overhead.noise_adds == 1316);
  CHECK(overhead.float32_energy_share() < 0.004);
  CHECK(overhead.float32_energy_share() == Approx(0.9 / 0.23 / 1316.57).epsilon(1e-3));
  CHECK(overhead.int16_energy_share() < 0.0003);
  // What is folded into LayerNormalizations costs nothing.
  CHECK(overhead.stored_values == 12 * 5 * kWidth);
  CHECK(overhead.stored_adds == kTokens * 12 * 5 * kWidth);
}
