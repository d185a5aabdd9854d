#include "quant/loss_curve.hpp"

#include <catch2/catch.hpp>
#include <algorithm>
#include <cmath>

#include "site_sample.hpp"

using namespace nq;

namespace {

double value_at_one(const LossCurve& curve) {
  for (std::size_t k = 0; k < curve.ratio.size(); ++k) {
    if (std::abs(curve.ratio[k] - 1) < 1e-9) return curve.mse[k];
  }
  FAIL("the chosen value is not on the curve of the " + curve.parameter);
  return 0;
}

}  // namespace

TEST_CASE("curves pass through the loss of the fit at the chosen value") {
  // Few enough rows and outputs for the probe to be exact.
  test::SiteSample sample = test::random_site(300, 24, 16, true);
  const SiteInput site = sample.input();
  MethodOptions options;
  options.weight_bits = options.activation_bits = 4;
  for (const char* method : {"easyquant", "noisyquant", "best"}) {
    const SiteFit fit = builtin_methods().get(method).fit(site, options);
    const std::vector<LossCurve> curves = loss_curves(site, fit);
    INFO(method);
    REQUIRE(curves.size() == (fit.noisy_bias.empty() ? 1 : 2));
    REQUIRE(curves[0].chosen == fit.activation.scale[0]);
    // best corrects the mean error on other rows than these.
    const double margin = fit.bias_correction.empty() ? 1e-4 : 0.1;
    for (const LossCurve& curve : curves) {
      REQUIRE(curve.ratio.size() == curve.mse.size());
      REQUIRE(value_at_one(curve) == Approx(fit.stages.back().mse).epsilon(margin));
      REQUIRE(std::all_of(curve.mse.begin(), curve.mse.end(), [](double mse) { return std::isfinite(mse) && mse >= 0; }));
      REQUIRE(curve.mse.front() > value_at_one(curve) * 0.99);
    }
  }
}
