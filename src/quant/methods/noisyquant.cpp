#include "core/rng.hpp"
#include "quant/activation_search.hpp"
#include "quant/methods/easyquant_host.hpp"
#include "quant/noise_search.hpp"
#include "quant/site_check.hpp"

namespace nq {
namespace {

constexpr int kStep = 4;
// Amplitudes beyond two steps help by moving one-sided channels towards the middle of the codes.
constexpr double kLargestSteps = 8.0;

/// U(-1, 1) per input channel, once per site.
std::vector<float> uniform_draw(const SiteInput& site, std::uint64_t seed) {
  RandomStream stream(seed, site.name);
  std::vector<float> draw(static_cast<std::size_t>(site.rows.cols));
  for (float& value : draw) value = static_cast<float>(2.0 * stream.uniform() - 1.0);
  return draw;
}

/// NoisyQuant (Liu et al. 2023, sections 3.2 and 3.3) on EasyQuant: N ~ U(-n, n) drawn once per
/// channel, n by linear search in (0, 8 * scale] with 0 as the incumbent, then the host's search
/// of the activation scale with N in place.
class NoisyQuant final : public Method {
 public:
  ProductStrategy products() const noexcept override { return ProductStrategy::noise; }
  SiteFit fit(const SiteInput& site, const MethodOptions& options) const override {
    check_site(site, options);
    HostFit host(site, options);
    fit_easyquant(options, host);
    const std::vector<float> draw = uniform_draw(site, options.seed);
    const double largest = kLargestSteps * static_cast<double>(host.fit.activation.scale[0]);
    NoiseFamily family;
    family.draw = draw;
    family.base = host.reparam.shift;
    family.count = options.noise_candidates;
    family.step = kStep;
    family.mean = [](int) { return 0.0; };
    family.amplitude = [&](int index) { return largest * (index + 1) / options.noise_candidates; };
    improve_noise(host.meter, host.probe, family, host.fit, host.channel_mse);
    host.record("noisy_bias");
    improve_activation_scale(host.meter, host.probe, options, host.fit, host.channel_mse);
    host.record("activation_scale");
    return host.result();
  }
};

}  // namespace

void register_method_noisyquant(MethodRegistry& registry);
void register_method_noisyquant(MethodRegistry& registry) {
  registry.add("noisyquant", "EasyQuant with a noisy bias drawn once and its amplitude searched.",
               std::make_unique<NoisyQuant>());
}

}  // namespace nq
