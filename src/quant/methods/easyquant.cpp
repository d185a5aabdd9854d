#include <algorithm>
#include <limits>

#include "quant/activation_search.hpp"
#include "quant/methods/easyquant_host.hpp"
#include "quant/range_fit.hpp"
#include "quant/site_check.hpp"
#include "quant/weight_scale_search.hpp"

namespace nq {
namespace {

constexpr double kConverged = 0.999;
constexpr std::int64_t kMeasuredRows = 1024;

class EasyQuant final : public Method {
 public:
  SiteFit fit(const SiteInput& site, const MethodOptions& options) const override {
    check_site(site, options);
    HostFit host(site, options);
    fit_easyquant(options, host);
    return host.result();
  }
};

}  // namespace

HostFit::HostFit(const SiteInput& site, const MethodOptions& options)
    : reparam(reparameterize(site, options)),
      input(reparam.prepared ? reparam.prepared->input() : site),
      measured(std::make_unique<PreparedSite>(input, RowSet::all, kMeasuredRows, std::vector<float>(),
                                              std::vector<std::int32_t>())),
      meter(measured->input()),
      probe(input, {.rows = 512, .columns = 32}) {}

SiteFit HostFit::result() const {
  SiteFit out = fit;
  out.channel_scale = reparam.channel_scale;
  return out;
}

void HostFit::record(std::string stage) {
  fit.stages.push_back({std::move(stage), LossMeter::mean(channel_mse)});
}

namespace {

/// Extremes, or the common range of the reparameterized channels.
ValueRange start_range(const HostFit& host) {
  ValueRange range = extreme_range(host.input);
  if (host.reparam.shift.empty()) return range;
  range = {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (std::size_t c = 0; c < host.reparam.shift.size(); ++c) {
    const auto shift = static_cast<double>(host.reparam.shift[c]);
    range.low = std::min(range.low, static_cast<double>(host.input.channel_min[c]) + shift);
    range.high = std::max(range.high, static_cast<double>(host.input.channel_max[c]) + shift);
  }
  return range;
}

}  // namespace

void fit_easyquant(const MethodOptions& options, HostFit& host) {
  const SiteInput& site = host.input;
  host.fit = range_fit(site, options, start_range(host));
  host.fit.noisy_bias = host.reparam.shift;
  host.channel_mse = host.meter.channel_mse(host.fit);
  host.record("minmax");
  if (options.reparam == Reparam::os) {
    clip_tokens(site, host.meter, host.fit, host.channel_mse);
    host.record("token_clip");
  }
  const WeightScaleSearch weights(host.measured->input(), options);
  for (int round = 0; round < options.rounds; ++round) {
    const double before = LossMeter::mean(host.channel_mse);
    weights.improve(host.meter, host.fit, host.channel_mse);
    host.record("weight_scale");
    host.probe.set_weight(host.fit);
    improve_activation_scale(host.meter, host.probe, options, host.fit, host.channel_mse);
    host.record("activation_scale");
    if (LossMeter::mean(host.channel_mse) > kConverged * before) break;
  }
}

void register_method_easyquant(MethodRegistry& registry);
void register_method_easyquant(MethodRegistry& registry) {
  registry.add("easyquant", "Alternating search of weight and activation scales on the layer output.",
               std::make_unique<EasyQuant>());
}

}  // namespace nq
