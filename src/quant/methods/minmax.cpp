#include "nq/method.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/range_fit.hpp"
#include "quant/site_check.hpp"

namespace nq {
namespace {

/// Activation range from the extremes over all calibration tokens, weight scales from the largest
/// magnitude of each output channel.
class MinMax final : public Method {
 public:
  ProductStrategy products() const noexcept override { return ProductStrategy::extremes; }
  SiteFit fit(const SiteInput& site, const MethodOptions& options) const override {
    check_site(site, options);
    SiteFit fit = range_fit(site, options, extreme_range(site));
    fit.stages.push_back({"minmax", LossMeter(site).mse(fit)});
    return fit;
  }
};

}  // namespace

void register_method_minmax(MethodRegistry& registry);
void register_method_minmax(MethodRegistry& registry) {
  registry.add("minmax", "Scales from the extremes of inputs and weights.", std::make_unique<MinMax>());
}

}  // namespace nq
