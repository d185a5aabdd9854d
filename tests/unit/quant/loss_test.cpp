#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "quant/denoising.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/gram.hpp"
#include "quant/output_probe.hpp"
#include "quant/quantizers.hpp"
#include "quant/range_fit.hpp"
#include "site_sample.hpp"

using namespace nq;

namespace {

SiteFit noisy_fit(const SiteInput& site) {
  MethodOptions options;
  options.weight_bits = options.activation_bits = 5;
  SiteFit fit = range_fit(site, options, extreme_range(site));
  RandomStream stream(1, "noise");
  for (std::int64_t c = 0; c < site.rows.cols; ++c) {
    fit.noisy_bias.push_back(static_cast<float>(0.2 * stream.normal()));
  }
  return fit;
}

/// Output errors by plain loops in double.
std::vector<double> direct_errors(const SiteInput& site, const SiteFit& fit, std::int64_t row) {
  std::vector<double> errors;
  for (std::int64_t out = 0; out < site.weight.cols; ++out) {
    const auto o = static_cast<std::size_t>(out);
    const double scale = static_cast<double>(fit.weight.scale[o]);
    double reference = 0;
    double product = 0;
    double removed = 0;
    for (std::int64_t c = 0; c < site.rows.cols; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const float n = fit.noisy_bias.empty() ? 0.0F : fit.noisy_bias[i];
      const float x = site.rows.row(row)[c];
      const float v = dequantize(
          quantize(x + n, fit.activation.scale[0], 0, fit.activation.qmin(), fit.activation.qmax()),
          fit.activation.scale[0], 0);
      const double code = fit.weight_codes[i * static_cast<std::size_t>(site.weight.cols) + o];
      product += static_cast<double>(v) * code * scale;
      removed += static_cast<double>(n) * code * scale;
      reference += static_cast<double>(x) * static_cast<double>(site.weight.row(c)[out]);
    }
    const double correction = fit.bias_correction.empty() ? 0.0 : static_cast<double>(fit.bias_correction[o]);
    errors.push_back(product - removed + correction - reference);
  }
  return errors;
}

double direct_mse(const SiteInput& site, const SiteFit& fit) {
  double sum = 0;
  double weight = 0;
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const double w = static_cast<double>(site.row_weight[static_cast<std::size_t>(row)]);
    for (const double error : direct_errors(site, fit, row)) sum += w * error * error;
    weight += w;
  }
  return sum / (weight * static_cast<double>(site.weight.cols));
}

}  // namespace

TEST_CASE("the loss is the mean squared output error of the emitted layer", "[quant]") {
  auto sample = test::random_site(300, 24, 13, false);
  const SiteInput site = sample.input();
  SiteFit fit = noisy_fit(site);
  for (std::int64_t out = 0; out < 13; ++out) fit.bias_correction.push_back(0.01F * static_cast<float>(out));
  const LossMeter meter(site);
  // float32 products of 24 terms: relative error of an output below 1e-5, of its error's square 1e-4.
  CHECK(meter.mse(fit) == Approx(direct_mse(site, fit)).epsilon(1e-4));
}

TEST_CASE("a fine quantizer with any noise reproduces the float layer", "[quant]") {
  auto sample = test::random_site(100, 16, 8, true);
  const SiteInput site = sample.input();
  SiteFit fit = noisy_fit(site);
  fit.activation = symmetric_activation(20, 8);
  fit.activation.scale[0] = 1e-5F;
  fit.activation.bits = 22;
  for (std::size_t i = 0; i < fit.weight_codes.size(); ++i) {
    sample.weight[i] = static_cast<float>(fit.weight_codes[i]) * fit.weight.scale[i % 8];
  }
  const LossMeter meter(site);
  CHECK(meter.mse(fit) < 1e-9);
}

TEST_CASE("the denoising bias takes out what the noise adds, in double", "[quant]") {
  auto sample = test::random_site(10, 7, 3, false);
  const SiteInput site = sample.input();
  SiteFit fit = noisy_fit(site);
  fit.bias_correction = {0.5F, 0.0F, -0.25F};
  const std::vector<float> bias = denoising_bias(site.bias, fit);
  for (std::size_t out = 0; out < 3; ++out) {
    double noise = 0;
    for (std::size_t c = 0; c < 7; ++c) {
      noise += static_cast<double>(fit.noisy_bias[c]) * fit.weight_codes[c * 3 + out] *
               static_cast<double>(fit.weight.scale[out]);
    }
    const double expected =
        static_cast<double>(sample.bias[out]) - noise + static_cast<double>(fit.bias_correction[out]);
    CHECK(static_cast<double>(bias[out]) == Approx(expected).epsilon(1e-6));
  }
}

TEST_CASE("outlier channels bypass the quantizer and channel scales cancel", "[quant]") {
  auto sample = test::random_site(64, 12, 5, false);
  const SiteInput site = sample.input();
  SiteFit fit = noisy_fit(site);
  fit.noisy_bias.clear();
  fit.outlier_channels.resize(12);
  for (std::int32_t c = 0; c < 12; ++c) fit.outlier_channels[static_cast<std::size_t>(c)] = c;
  std::fill(fit.weight_codes.begin(), fit.weight_codes.end(), WeightCode{0});
  CHECK(LossMeter(site).mse(fit) < 1e-10);

  SiteFit scaled = noisy_fit(site);
  scaled.activation = symmetric_activation(20, 8);
  scaled.activation.bits = 22;
  scaled.activation.scale[0] = 1e-4F;
  scaled.channel_scale = {1, 2, 4, 0.5F, 1, 1, 8, 1, 2, 1, 1, 0.25F};
  for (std::size_t i = 0; i < scaled.weight_codes.size(); ++i) {
    sample.weight[i] =
        static_cast<float>(scaled.weight_codes[i]) * scaled.weight.scale[i % 5] / scaled.channel_scale[i / 5];
  }
  CHECK(LossMeter(site).mse(scaled) < 1e-8);
}

TEST_CASE("the Gram objective equals the direct one", "[quant]") {
  auto sample = test::random_site(700, 130, 4, true);
  const SiteInput site = sample.input();
  const RowMatrix gram = gram_matrix(site.rows, site.row_weight);
  REQUIRE(gram == gram.transpose());
  RandomStream stream(2, "direction");
  Eigen::VectorXd d(130);
  for (Eigen::Index i = 0; i < d.size(); ++i) d(i) = stream.normal();
  double direct = 0;
  double weight = 0;
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const double w = static_cast<double>(site.row_weight[static_cast<std::size_t>(row)]);
    direct += w * std::pow(as_eigen(site.rows).row(row).cast<double>().dot(d), 2);
    weight += w;
  }
  // Float accumulation over 700 rows: relative error of the Gram entries about 1e-6.
  CHECK(d.dot(gram.cast<double>() * d) == Approx(direct / weight).epsilon(1e-5));
}

TEST_CASE("a factored Gram keeps the diagonal and converges to the matrix", "[quant]") {
  auto sample = test::random_site(400, 40, 4, false);
  const SiteInput site = sample.input();
  const RowMatrix gram = gram_matrix(site.rows, site.row_weight);
  const FactoredGram part = factor_gram(gram, 8);
  CHECK((part.factor.rowwise().squaredNorm() + part.rest - gram.diagonal()).cwiseAbs().maxCoeff() < 1e-4F);
  const FactoredGram full = factor_gram(gram, 40);
  const RowMatrix rebuilt = full.factor * full.factor.transpose();
  CHECK((rebuilt - gram).cwiseAbs().maxCoeff() < 1e-3F * gram.cwiseAbs().maxCoeff());
}

TEST_CASE("a probe is exact when it sees everything and close when it sketches", "[quant]") {
  auto sample = test::random_site(500, 48, 96, false);
  const SiteInput site = sample.input();
  const SiteFit fit = noisy_fit(site);
  const double loss = LossMeter(site).mse(fit);
  double weight = 0;
  for (const float w : site.row_weight) weight += static_cast<double>(w);
  const auto probe_loss = [&](OutputProbe::Size size) {
    OutputProbe probe(site, size);
    probe.set_weight(fit);
    double probe_weight = 0;
    for (const float w : probe.row_weight()) probe_weight += static_cast<double>(w);
    return probe.evaluate(affine_grid(fit.activation), fit.noisy_bias).error2 / (probe_weight * 96);
  };
  CHECK(probe_loss({.rows = 500, .columns = 96}) == Approx(loss).epsilon(1e-4));
  // 32 sign columns and 250 rows of independent errors: standard deviation near 5 %.
  CHECK(probe_loss({.rows = 250, .columns = 32}) == Approx(loss).epsilon(0.25));
}

TEST_CASE("the paper's theorem holds by Monte Carlo", "[quant]") {
  // Bin of width 2b between two levels, x at distance x from its centre, N ~ U(-n, n),
  // x <= n <= 2b - x: E[QE(X+N)] = b^2 - b n + n^2 / 3 + x^2 - b x^2 / n.
  const double b = 0.5;
  RandomStream stream(5, "theorem");
  for (const double x : {0.0, 0.1, 0.3}) {
    for (const double n : {0.35, 0.5, 0.7}) {
      const int draws = 200000;
      double sum = 0;
      for (int i = 0; i < draws; ++i) {
        const double noise = n * (2 * stream.uniform() - 1);
        const double value = 3.5 + x + noise;  // the tie between levels 3 and 4 is the centre
        const double level = static_cast<double>(quantize(static_cast<float>(value), 1.0F, 0, -8, 7));
        sum += (level - value) * (level - value);
      }
      const double expected = b * b - b * n + n * n / 3 + x * x - b * x * x / n;
      CAPTURE(x, n);
      // One draw has a deviation below 0.1, so the mean of 200,000 has 2e-4; five of those.
      CHECK(std::fabs(sum / draws - expected) < 1.1e-3);
      const bool helps = expected < (b - x) * (b - x);
      CHECK(helps == (x < n * (1 - std::sqrt(n / (3 * b)))));
    }
  }
}
