#pragma once

#include <cstdint>
#include <vector>

namespace nq {

/// Energy of one operation in picojoules, from the estimate of the NoisyQuant paper's appendix D (after Horowitz,
/// ISSCC 2014).
inline constexpr double kInt8MacPicojoules = 0.23;
inline constexpr double kFloat32AddPicojoules = 0.9;
inline constexpr double kInt16AddPicojoules = 0.05;

/// One quantized input and the layers that read it.
struct NoisyInput {
  std::int64_t c_in = 0;
  std::int64_t c_out = 0;   ///< of all layers that read it, together
  std::int64_t tokens = 0;  ///< rows per image
  bool is_stored = false;   ///< the noisy bias is a constant of its own with an Add, not folded into one that was there
};

/// What a noisy bias at every quantized input costs (Liu et al. 2023, supplement, appendix D): a value per input
/// channel to store, and an addition per input element.
struct NoiseOverhead {
  std::int64_t inputs = 0;
  std::int64_t values = 0;         ///< of the noisy biases N, one per input channel
  std::int64_t stored_values = 0;  ///< of these, those not folded away
  std::int64_t parameters = 0;     ///< of the model
  std::int64_t macs = 0;           ///< of the quantized layers, per image
  std::int64_t noise_adds = 0;     ///< x + N, per image, when nothing is folded
  std::int64_t stored_adds = 0;    ///< x + N that the file executes, per image
  std::int64_t bias_adds = 0;      ///< additions of the (denoising) bias, which every layer has anyway

  double share() const noexcept { return parameters > 0 ? double(values) / double(parameters) : 0; }
  double mac_microjoules() const noexcept { return double(macs) * kInt8MacPicojoules * 1e-6; }
  /// Energy of the additions of N as a fraction of that of the products.
  double float32_energy_share() const noexcept { return energy_share(kFloat32AddPicojoules); }
  double int16_energy_share() const noexcept { return energy_share(kInt16AddPicojoules); }

 private:
  double energy_share(double add) const noexcept {
    return macs > 0 ? double(noise_adds) * add / (double(macs) * kInt8MacPicojoules) : 0;
  }
};

NoiseOverhead noise_overhead(const std::vector<NoisyInput>& inputs, std::int64_t parameters);

}  // namespace nq
