#include "quant/denoising.hpp"

#include "core/check.hpp"

namespace nq {

std::vector<double> noise_output(const SiteFit& fit) {
  const std::size_t channels = fit.weight.scale.size();
  std::vector<double> sum(channels, 0.0);
  if (fit.noisy_bias.empty()) return sum;
  NQ_ASSERT(fit.weight_codes.size() == fit.noisy_bias.size() * channels);
  const WeightCode* codes = fit.weight_codes.data();
  for (const float noise : fit.noisy_bias) {
    for (std::size_t out = 0; out < channels; ++out) sum[out] += static_cast<double>(noise) * codes[out];
    codes += channels;
  }
  for (std::size_t out = 0; out < channels; ++out) sum[out] *= static_cast<double>(fit.weight.scale[out]);
  return sum;
}

std::vector<float> denoising_bias(std::span<const float> bias, const SiteFit& fit) {
  const std::vector<double> noise = noise_output(fit);
  NQ_ASSERT(bias.size() == noise.size());
  NQ_ASSERT(fit.bias_correction.empty() || fit.bias_correction.size() == bias.size());
  std::vector<float> out(bias.size());
  for (std::size_t i = 0; i < bias.size(); ++i) {
    const double correction = fit.bias_correction.empty() ? 0.0 : static_cast<double>(fit.bias_correction[i]);
    out[i] = static_cast<float>(static_cast<double>(bias[i]) - noise[i] + correction);
  }
  return out;
}

}  // namespace nq
