#include <vector>

#include "core/rng.hpp"
#include "quant/candidate_search.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/methods/easyquant_host.hpp"
#include "quant/noise_search.hpp"
#include "quant/quantizers.hpp"
#include "quant/range_fit.hpp"
#include "quant/site_check.hpp"

namespace nq {
namespace {

// The official code's grids: clip = absmax * i / 1000, mean = scale * i / 200, amplitude = i / 1000.
constexpr int kClips = 1000;
constexpr int kMeans = 400;
constexpr int kAmplitudes = 2000;
constexpr int kClipStep = 25;
constexpr int kMeanStep = 10;
constexpr int kAmplitudeStep = 50;
constexpr int kFinalists = 2;

/// (normal * 2 - 1) * scale per input channel: mean -scale, deviation 2 * scale.
std::vector<float> gaussian_draw(const SiteInput& site, std::uint64_t seed, float scale) {
  RandomStream stream(seed, site.name);
  std::vector<float> draw(static_cast<std::size_t>(site.rows.cols));
  for (float& value : draw)
    value = static_cast<float>((2.0 * stream.normal() - 1.0) * static_cast<double>(scale));
  return draw;
}

void improve_clip(HostFit& host) {
  const QuantParams widest = host.fit.activation;
  const auto params_of = [&](int index) {
    QuantParams params = widest;
    params.scale[0] = sane_scale(static_cast<double>(widest.scale[0]) * (index + 1) / kClips);
    return params;
  };
  const std::vector<int> best = best_candidates(kClips, kClipStep, kFinalists, [&](int index) {
    return host.probe.evaluate(affine_grid(params_of(index)), {}).error2;
  });
  for (const int index : best) {
    SiteFit trial = host.fit;
    trial.activation = params_of(index);
    take_if_better(host.meter, std::move(trial), host.fit, host.channel_mse);
  }
}

/// The official code's variant (algorithm of its fast_quant module): absolute-maximum weights,
/// clip search, scalar mean, then a Gaussian draw with searched amplitude on top of the mean.
class NoisyQuantRepo final : public Method {
 public:
  SiteFit fit(const SiteInput& site, const MethodOptions& options) const override {
    check_site(site, options);
    HostFit host(site);
    host.fit = range_fit(site, options, extreme_range(site));
    host.channel_mse = host.meter.channel_mse(host.fit);
    host.probe.set_weight(host.fit);
    host.record("minmax");
    improve_clip(host);
    host.record("clip");
    const float scale = host.fit.activation.scale[0];
    const std::vector<float> flat(static_cast<std::size_t>(site.rows.cols), 0.0F);
    improve_noise(host.meter, host.probe, mean_family(flat, scale), host.fit, host.channel_mse);
    host.record("noise_mean");
    const std::vector<float> draw = gaussian_draw(site, options.seed, scale);
    improve_noise(host.meter, host.probe, amplitude_family(draw, host.fit.noise_mean), host.fit,
                  host.channel_mse);
    host.record("noisy_bias");
    return host.fit;
  }

 private:
  static NoiseFamily mean_family(std::span<const float> flat, float scale) {
    NoiseFamily family;
    family.draw = flat;
    family.count = kMeans;
    family.step = kMeanStep;
    family.mean = [scale](int index) {
      return static_cast<double>(scale) * (index - kMeans / 2) / (kMeans / 2);
    };
    family.amplitude = [](int) { return 0.0; };
    return family;
  }
  static NoiseFamily amplitude_family(std::span<const float> draw, double mean) {
    NoiseFamily family;
    family.draw = draw;
    family.count = kAmplitudes;
    family.step = kAmplitudeStep;
    family.mean = [mean](int) { return mean; };
    family.amplitude = [](int index) { return static_cast<double>(index) / (kAmplitudes / 2); };
    return family;
  }
};

}  // namespace

void register_method_noisyquant_repo(MethodRegistry& registry);
void register_method_noisyquant_repo(MethodRegistry& registry) {
  registry.add("noisyquant-repo", "The official code's variant: clip, scalar mean, Gaussian draw.",
               std::make_unique<NoisyQuantRepo>());
}

}  // namespace nq
