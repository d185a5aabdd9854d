#include "nq/method.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/range_fit.hpp"
#include "quant/site_check.hpp"

namespace nq {
namespace {

/// Activation range from a percentile of the sampled values; weight scales as in minmax. Keeps the
/// extremes where clipping raises the output error.
class Percentile final : public Method {
 public:
  ProductStrategy products() const noexcept override { return ProductStrategy::percentile; }
  SiteFit fit(const SiteInput& site, const MethodOptions& options) const override {
    check_site(site, options);
    const LossMeter meter(site);
    SiteFit fit = range_fit(site, options, extreme_range(site));
    const double start = meter.mse(fit);
    fit.stages.push_back({"minmax", start});
    const ValueRange range = percentile_range(site, options.percentile, options.symmetric());
    SiteFit clipped = range_fit(site, options, range);
    const double loss = meter.mse(clipped);
    if (loss < start) fit.activation = clipped.activation;
    fit.stages.push_back({"percentile", std::min(loss, start)});
    return fit;
  }
};

}  // namespace

void register_method_percentile(MethodRegistry& registry);
void register_method_percentile(MethodRegistry& registry) {
  registry.add("percentile", "Activation scale from a percentile of |x|, weights from their extremes.",
               std::make_unique<Percentile>());
}

}  // namespace nq
