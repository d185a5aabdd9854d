#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "core/parallel.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/quantizers.hpp"
#include "site_sample.hpp"
#include "support/errors.hpp"

using namespace nq;

namespace {

MethodOptions small_options(int bits, bool symmetric) {
  MethodOptions options;
  options.weight_bits = bits;
  options.activation_bits = bits;
  options.activation = symmetric ? ActivationRange::symmetric : ActivationRange::asymmetric;
  options.candidates = 40;
  options.noise_candidates = 40;
  options.percentile = 99.5;
  return options;
}

bool same(const SiteFit& a, const SiteFit& b) {
  bool stages = a.stages.size() == b.stages.size();
  for (std::size_t i = 0; stages && i < a.stages.size(); ++i) {
    stages = a.stages[i].stage == b.stages[i].stage && a.stages[i].mse == b.stages[i].mse;
  }
  return stages && a.activation.scale == b.activation.scale &&
         a.activation.zero_point == b.activation.zero_point && a.weight.scale == b.weight.scale &&
         a.weight_codes == b.weight_codes && a.noisy_bias == b.noisy_bias &&
         a.bias_correction == b.bias_correction && a.channel_scale == b.channel_scale &&
         a.outlier_channels == b.outlier_channels;
}

void check_fit(const SiteInput& site, const MethodOptions& options, const SiteFit& fit) {
  const auto c_in = static_cast<std::size_t>(site.rows.cols);
  const auto c_out = static_cast<std::size_t>(site.weight.cols);
  REQUIRE(fit.activation.bits == options.activation_bits);
  REQUIRE(fit.weight.bits == options.weight_bits);
  REQUIRE(fit.activation.is_signed == options.symmetric());
  REQUIRE(fit.activation.axis == -1);
  REQUIRE(fit.activation.scale.size() == 1);
  REQUIRE(fit.activation.scale[0] >= kMinScale);
  REQUIRE(std::isfinite(fit.activation.scale[0]));
  REQUIRE(fit.activation.zero_point[0] >= fit.activation.qmin());
  REQUIRE(fit.activation.zero_point[0] <= fit.activation.qmax());
  if (options.symmetric()) REQUIRE(fit.activation.zero_point[0] == 0);
  REQUIRE(fit.weight.axis == 1);
  REQUIRE(fit.weight.scale.size() == c_out);
  REQUIRE(fit.weight.zero_point == std::vector<std::int32_t>(c_out, 0));
  for (const float scale : fit.weight.scale) REQUIRE((scale >= kMinScale && std::isfinite(scale)));
  REQUIRE(fit.weight_codes.size() == c_in * c_out);
  for (const WeightCode code : fit.weight_codes)
    REQUIRE((code >= fit.weight.qmin() && code <= fit.weight.qmax()));
  REQUIRE((fit.noisy_bias.empty() || fit.noisy_bias.size() == c_in));
  REQUIRE((fit.bias_correction.empty() || fit.bias_correction.size() == c_out));
  REQUIRE((fit.channel_scale.empty() || (site.channel_scale_allowed && fit.channel_scale.size() == c_in)));
  for (const float n : fit.noisy_bias) REQUIRE(std::isfinite(n));
  for (const float s : fit.channel_scale) REQUIRE((s > 0 && std::isfinite(s)));
  REQUIRE_FALSE(fit.stages.empty());
  for (std::size_t i = 0; i < fit.stages.size(); ++i) {
    CAPTURE(fit.stages[i].stage);
    REQUIRE(std::isfinite(fit.stages[i].mse));
    if (i > 0) REQUIRE(fit.stages[i].mse <= fit.stages[i - 1].mse);
  }
  const double loss = LossMeter(site).mse(fit);
  // A reparameterized host measures on divided inputs, whose FP32 output is rounded otherwise.
  if (options.reparam == Reparam::none) REQUIRE(fit.stages.back().mse == loss);
  else REQUIRE(fit.stages.back().mse == Approx(loss).epsilon(1e-4));
  if (fit.weight_codes_derived && fit.channel_scale.empty() && fit.outlier_channels.empty()) {
    REQUIRE(fit.weight_codes == weight_codes(site.weight, fit.weight));
  }
}

}  // namespace

TEST_CASE("every method obeys the laws of a fit", "[quant]") {
  for (const MethodInfo& info : builtin_methods().all()) {
    for (const bool gelu : {false, true}) {
      for (const int bits : {2, 4, 6, 8}) {
        for (const bool symmetric : {true, false}) {
          CAPTURE(info.name, gelu, bits, symmetric);
          auto sample = test::random_site(400, 50, 37, gelu);
          SiteInput site = sample.input();
          site.channel_scale_allowed = !gelu;
          const MethodOptions options = small_options(bits, symmetric);
          check_fit(site, options, info.method->fit(site, options));
        }
      }
    }
  }
}

TEST_CASE("best gives an input a zero_point where a noisy bias would cost an Add", "[quant]") {
  auto sample = test::random_site(400, 50, 160, true);
  SiteInput site = sample.input();
  const Method& best = builtin_methods().get("best");
  MethodOptions options = small_options(6, true);
  site.noise_folds = false;
  const SiteFit symmetric = best.fit(site, options);
  CHECK(symmetric.activation.is_signed);
  options.activation = ActivationRange::automatic;
  const SiteFit shifted = best.fit(site, options);
  CHECK_FALSE(shifted.activation.is_signed);
  CHECK(shifted.activation.zero_point[0] > 0);
  CHECK(shifted.noisy_bias.empty());
  options.best.noisy_bias = false;
  CHECK(best.fit(site, options).activation.scale == shifted.activation.scale);
  options.activation = ActivationRange::symmetric;
  CHECK(shifted.stages.back().mse < best.fit(site, options).stages.back().mse);
}

TEST_CASE("a noisy bias that costs an Add counts as float work", "[quant]") {
  auto sample = test::random_site(400, 50, 160, true);
  SiteInput site = sample.input();
  const Method& best = builtin_methods().get("best");
  MethodOptions options = small_options(4, true);
  options.max_overhead = 0;
  CHECK_FALSE(best.fit(site, options).noisy_bias.empty());
  site.noise_folds = false;
  CHECK(best.fit(site, options).noisy_bias.empty());
}

TEST_CASE("reparameterized hosts obey the laws, and help where channels are unequal", "[quant]") {
  auto sample = test::random_site(400, 50, 37, false);
  SiteInput site = sample.input();
  site.channel_scale_allowed = true;
  std::vector<float> gain(50);
  for (std::size_t c = 0; c < gain.size(); ++c) gain[c] = c % 7 == 0 ? -2.0F : 0.5F;
  gain[3] = 0;  // a dead channel keeps its scale
  site.channel_gain = gain;
  for (const char* method : {"easyquant", "noisyquant"}) {
    for (const int bits : {4, 8}) {
      for (const bool symmetric : {true, false}) {
        CAPTURE(method, bits, symmetric);
        MethodOptions options = small_options(bits, symmetric);
        const double plain = builtin_methods().get(method).fit(site, options).stages.back().mse;
        options.reparam = Reparam::repq;
        const SiteFit repq = builtin_methods().get(method).fit(site, options);
        check_fit(site, options, repq);
        REQUIRE(repq.channel_scale.size() == 50);
        CHECK(repq.stages.back().mse < plain);
        options.reparam = Reparam::os;
        const SiteFit os = builtin_methods().get(method).fit(site, options);
        check_fit(site, options, os);
        CHECK(os.channel_scale[0] == 2.0F);
        CHECK(os.channel_scale[3] == 1.0F);
      }
    }
  }
  site.channel_gain = {};
  MethodOptions options = small_options(6, true);
  options.reparam = Reparam::repq;
  CHECK(builtin_methods().get("easyquant").fit(site, options).channel_scale.empty());
}

TEST_CASE("every method gives the same bits for any thread count", "[quant]") {
  auto sample = test::random_site(700, 64, 96, true);
  const SiteInput site = sample.input();
  for (const MethodInfo& info : builtin_methods().all()) {
    CAPTURE(info.name);
    const MethodOptions options = small_options(4, true);
    set_num_threads(1);
    const SiteFit one = info.method->fit(site, options);
    set_num_threads(2);
    const SiteFit two = info.method->fit(site, options);
    set_num_threads(5);
    const SiteFit five = info.method->fit(site, options);
    set_num_threads(0);
    CHECK(same(one, two));
    CHECK(same(one, five));
  }
}

TEST_CASE("degenerate layers give finite fits", "[quant]") {
  const auto fit_all = [](test::SiteSample& sample) {
    SiteInput site = sample.input();
    site.channel_scale_allowed = true;
    for (const MethodInfo& info : builtin_methods().all()) {
      for (const bool symmetric : {true, false}) {
        CAPTURE(info.name, symmetric);
        const MethodOptions options = small_options(4, symmetric);
        check_fit(site, options, info.method->fit(site, options));
      }
    }
  };
  SECTION("all zero input and weight") {
    test::SiteSample sample(6, 5, 3);
    fit_all(sample);
  }
  SECTION("constant input") {
    test::SiteSample sample(6, 5, 3);
    std::fill(sample.rows.begin(), sample.rows.end(), 2.5F);
    std::fill(sample.weight.begin(), sample.weight.end(), -0.75F);
    fit_all(sample);
  }
  SECTION("one channel, one row, one output") {
    test::SiteSample sample(1, 1, 1);
    sample.rows = {3.25F};
    sample.weight = {-0.5F};
    fit_all(sample);
  }
  SECTION("one row") {
    auto sample = test::random_site(1, 20, 9, false);
    fit_all(sample);
  }
  SECTION("denormal input") {
    test::SiteSample sample(8, 4, 4);
    for (std::size_t i = 0; i < sample.rows.size(); ++i) sample.rows[i] = 1e-42F * static_cast<float>(i);
    for (float& w : sample.weight) w = 1e-41F;
    fit_all(sample);
  }
  SECTION("one dead channel and one dead output") {
    auto sample = test::random_site(60, 12, 6, false);
    for (std::int64_t r = 0; r < 60; ++r) sample.rows[static_cast<std::size_t>(r * 12 + 4)] = 0;
    for (std::int64_t c = 0; c < 12; ++c) sample.weight[static_cast<std::size_t>(c * 6 + 2)] = 0;
    fit_all(sample);
  }
}

TEST_CASE("values that are not finite are refused with the layer's name", "[quant]") {
  for (const MethodInfo& info : builtin_methods().all()) {
    CAPTURE(info.name);
    auto sample = test::random_site(20, 6, 4, false);
    sample.rows[13] = std::numeric_limits<float>::quiet_NaN();
    CHECK_ERROR(info.method->fit(sample.input(), {}), input, "'layer'");
    auto infinite = test::random_site(20, 6, 4, false);
    infinite.weight[5] = std::numeric_limits<float>::infinity();
    CHECK_ERROR(info.method->fit(infinite.input(), {}), input, "weight");
  }
}

TEST_CASE("options outside their range are refused", "[quant]") {
  auto sample = test::random_site(20, 6, 4, false);
  const SiteInput site = sample.input();
  const Method& method = builtin_methods().get("easyquant");
  MethodOptions options;
  options.weight_bits = 17;
  CHECK_ERROR(method.fit(site, options), usage, "weight bits");
  options = {};
  options.beta = 0.1;
  CHECK_ERROR(method.fit(site, options), usage, "interval");
  CHECK_ERROR(builtin_methods().get("nosuch"), usage, "easyquant");
}

TEST_CASE("the noise depends on seed and layer name alone", "[quant]") {
  auto sample = test::random_site(200, 24, 16, true);
  SiteInput site = sample.input();
  MethodOptions options = small_options(4, true);
  const Method& method = builtin_methods().get("noisyquant");
  SiteFit first = method.fit(site, options);
  // A draw that helps nowhere keeps amplitude 0; some seed helps.
  while (first.noise_amplitude == 0 && options.seed < 20) {
    ++options.seed;
    first = method.fit(site, options);
  }
  REQUIRE(first.noise_amplitude > 0);
  options.seed += 100;
  CHECK(method.fit(site, options).noisy_bias != first.noisy_bias);
  options.seed -= 100;
  CHECK(method.fit(site, options).noisy_bias == first.noisy_bias);
  for (const float n : first.noisy_bias) {
    CHECK(std::fabs(static_cast<double>(n)) <= first.noise_amplitude * (1 + 1e-6));
  }
  site.name = "another";
  CHECK(method.fit(site, options).noisy_bias != first.noisy_bias);
}

TEST_CASE("easyquant beats the extremes where a tail is worth clipping", "[quant]") {
  auto sample = test::random_site(600, 32, 32, false);
  for (std::size_t i = 0; i < sample.rows.size(); i += 501) sample.rows[i] *= 6;
  const SiteInput site = sample.input();
  for (const Objective objective : {Objective::mse, Objective::cosine}) {
    MethodOptions options = small_options(6, true);
    options.objective = objective;
    const SiteFit fit = builtin_methods().get("easyquant").fit(site, options);
    CHECK(fit.stages.back().mse < 0.75 * fit.stages.front().mse);
  }
}
