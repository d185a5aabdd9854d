#include "quant/noise_search.hpp"

#include "quant/candidate_search.hpp"

namespace nq {
namespace {

constexpr int kFinalists = 2;

}  // namespace

std::vector<float> scaled_noise(std::span<const float> draw, double mean, double amplitude) {
  std::vector<float> noise;
  noise.reserve(draw.size());
  for (const float value : draw)
    noise.push_back(static_cast<float>(mean + amplitude * static_cast<double>(value)));
  return noise;
}

void improve_noise(const LossMeter& meter, const OutputProbe& probe, const NoiseFamily& family, SiteFit& fit,
                   std::vector<double>& channel_mse) {
  const AffineGrid grid = affine_grid(fit.activation);
  const auto noise_of = [&](int index) {
    return scaled_noise(family.draw, family.mean(index), family.amplitude(index));
  };
  const std::vector<int> best = best_candidates(family.count, family.step, kFinalists, [&](int index) {
    return probe.evaluate(grid, noise_of(index)).error2;
  });
  for (const int index : best) {
    SiteFit trial = fit;
    trial.noisy_bias = noise_of(index);
    trial.noise_mean = family.mean(index);
    trial.noise_amplitude = family.amplitude(index);
    take_if_better(meter, std::move(trial), fit, channel_mse);
  }
}

}  // namespace nq
