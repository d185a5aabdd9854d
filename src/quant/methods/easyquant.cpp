#include "quant/activation_search.hpp"
#include "quant/methods/easyquant_host.hpp"
#include "quant/range_fit.hpp"
#include "quant/site_check.hpp"
#include "quant/weight_scale_search.hpp"

namespace nq {
namespace {

constexpr double kConverged = 0.999;
constexpr std::int64_t kMeasuredRows = 4096;

class EasyQuant final : public Method {
 public:
  SiteFit fit(const SiteInput& site, const MethodOptions& options) const override {
    return fit_easyquant(site, options).fit;
  }
};

}  // namespace

HostFit::HostFit(const SiteInput& site)
    : measured(std::make_unique<PreparedSite>(site, RowSet::all, kMeasuredRows, std::vector<float>(),
                                              std::vector<std::int32_t>())),
      meter(measured->input()),
      probe(site, {}) {}

void HostFit::record(std::string stage) {
  fit.stages.push_back({std::move(stage), LossMeter::mean(channel_mse)});
}

HostFit fit_easyquant(const SiteInput& site, const MethodOptions& options) {
  check_site(site, options);
  HostFit host(site);
  host.fit = range_fit(site, options, extreme_range(site));
  host.channel_mse = host.meter.channel_mse(host.fit);
  host.record("minmax");
  const WeightScaleSearch weights(site, options);
  for (int round = 0; round < options.rounds; ++round) {
    const double before = LossMeter::mean(host.channel_mse);
    weights.improve(host.meter, host.fit, host.channel_mse);
    host.record("weight_scale");
    host.probe.set_weight(host.fit);
    improve_activation_scale(host.meter, host.probe, options, host.fit, host.channel_mse);
    host.record("activation_scale");
    if (LossMeter::mean(host.channel_mse) > kConverged * before) break;
  }
  return host;
}

void register_method_easyquant(MethodRegistry& registry);
void register_method_easyquant(MethodRegistry& registry) {
  registry.add("easyquant", "Alternating search of weight and activation scales on the layer output.",
               std::make_unique<EasyQuant>());
}

}  // namespace nq
