#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "quant/bias_correction.hpp"
#include "quant/code_search.hpp"
#include "quant/compensation.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/gram.hpp"
#include "quant/input_moments.hpp"
#include "quant/joint_search.hpp"
#include "quant/prepared_site.hpp"
#include "quant/quantizers.hpp"
#include "quant/range_fit.hpp"
#include "quant/row_emphasis.hpp"
#include "quant/structure_search.hpp"
#include "site_sample.hpp"

using namespace nq;

namespace {

constexpr AffineGrid kGrid{0.5F, -8.0F, 7.0F};

MethodOptions bits(int weight, int activation) {
  MethodOptions options;
  options.weight_bits = weight;
  options.activation_bits = activation;
  return options;
}

double best_variance_by_force(const ChannelSamples& samples, const AffineGrid& grid) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= 8000; ++i) {
    const float offset = -12.0F + 24.0F * static_cast<float>(i) / 8000.0F;
    best = std::min(best, error_variance(samples, 0, grid, offset));
  }
  return best;
}

}  // namespace

TEST_CASE("the best offset of a narrow channel is as good as brute force", "[quant]") {
  for (const float spread : {0.02F, 0.08F, 0.15F, 0.22F}) {
    CAPTURE(spread);
    test::SiteSample sample(800, 1, 1);
    RandomStream stream(4, "narrow");
    for (float& x : sample.rows) x = 0.9F + spread * static_cast<float>(stream.normal());
    sample.weight = {1.0F};
    const SiteInput site = sample.input();
    const ChannelSamples samples(site);
    int placement = kAnyPlacement;
    const OffsetChoice choice = best_offset(samples, 0, kGrid, placement);
    // 64 phase bins: positions are known to 1/128 of a step.
    const double slack = std::pow(0.5 / 64, 2);
    CHECK(error_variance(samples, 0, kGrid, choice.offset) <=
          best_variance_by_force(samples, kGrid) + 4 * slack);
    CHECK(std::fabs(choice.variance - error_variance(samples, 0, kGrid, choice.offset)) <= 8 * slack);
  }
}

TEST_CASE("the best offset of a one-sided channel keeps its hard edge", "[quant]") {
  test::SiteSample sample(2000, 1, 1);
  RandomStream stream(4, "one-sided");
  for (float& x : sample.rows) x = static_cast<float>(-1.5 * std::log(1.0 - stream.uniform()));
  sample.weight = {1.0F};
  const SiteInput site = sample.input();
  const ChannelSamples samples(site);
  int placement = kAnyPlacement;
  const OffsetChoice choice = best_offset(samples, 0, kGrid, placement);
  CHECK(choice.variance <= 1.1 * best_variance_by_force(samples, kGrid));
  CHECK(choice.offset == Approx(-4.0).margin(0.5));
  for (int start = 0; start <= placement + 4; ++start) {
    CAPTURE(start);
    int climbed = start;
    CHECK(best_offset(samples, 0, kGrid, climbed).variance == choice.variance);
    CHECK(climbed == placement);
  }
}

TEST_CASE("joint search returns choices in order and beats the extremes", "[quant]") {
  auto sample = test::random_site(900, 40, 24, true);
  const SiteInput site = sample.input();
  SiteFit fit = range_fit(site, bits(8, 4), extreme_range(site));
  const LossMeter meter(site);
  const double start = meter.mse(fit);
  const std::vector<JointChoice> choices = joint_search(site, ChannelSamples(site), fit.activation, 3);
  REQUIRE(choices.size() == 3);
  CHECK(choices[0].predicted <= choices[1].predicted);
  fit.activation.scale[0] = choices[0].scale;
  fit.noisy_bias = choices[0].noisy_bias;
  fit.bias_correction = mean_correction(site, input_means(site, fit), fit);
  CHECK(meter.mse(fit) < 0.4 * start);
  // The prediction leaves out correlations between channels and the weights' own error.
  CHECK(meter.mse(fit) == Approx(choices[0].predicted).epsilon(0.35));
}

TEST_CASE("the mean correction removes the mean output error", "[quant]") {
  auto sample = test::random_site(500, 30, 11, true);
  const SiteInput site = sample.input();
  SiteFit fit = range_fit(site, bits(3, 3), extreme_range(site));
  const LossMeter meter(site);
  double before = 0;
  for (const double error : meter.mean_error(fit)) before = std::max(before, std::fabs(error));
  fit.bias_correction = mean_correction(site, input_means(site, fit), fit);
  for (const double error : meter.mean_error(fit)) CHECK(std::fabs(error) < 1e-4 * before + 1e-5);
}

TEST_CASE("code searches lower the Gram objective, and descend equals brute force when small", "[quant]") {
  auto sample = test::random_site(400, 60, 20, false);
  const SiteInput site = sample.input();
  const RowMatrix gram = gram_matrix(site.rows, site.row_weight);
  const RowMatrix weight = as_eigen(site.weight);
  const QuantParams params = absmax_weight(site.weight, 4);
  RowMatrix rounded(60, 20);
  const std::vector<WeightCode> codes = weight_codes(site.weight, params);
  for (Eigen::Index i = 0; i < rounded.size(); ++i) rounded.data()[i] = codes[static_cast<std::size_t>(i)];
  const CodeSearch search(gram);
  const auto total = [&](const RowMatrix& z, const QuantParams& p) {
    double sum = 0;
    for (const double loss : search.losses(weight, z, p)) sum += loss;
    return sum;
  };
  RowMatrix feedback = search.round_with_feedback(weight, params);
  CHECK(total(feedback, params) < 0.8 * total(rounded, params));
  QuantParams refined = params;
  const double before = total(feedback, refined);
  search.descend(weight, feedback, refined, 3);
  CHECK(total(feedback, refined) <= before);
  CHECK(feedback.maxCoeff() <= 7.0F);
  CHECK(feedback.minCoeff() >= -7.0F);

  auto small = test::random_site(200, 3, 1, false, "small");
  const SiteInput tiny = small.input();
  const CodeSearch tiny_search(gram_matrix(tiny.rows, tiny.row_weight));
  const RowMatrix w = as_eigen(tiny.weight);
  QuantParams fixed = absmax_weight(tiny.weight, 3);
  double least = std::numeric_limits<double>::infinity();
  for (int code = 0; code < 343; ++code) {
    RowMatrix z(3, 1);
    z << static_cast<float>(code % 7 - 3), static_cast<float>(code / 7 % 7 - 3),
        static_cast<float>(code / 49 - 3);
    least = std::min(least, tiny_search.losses(w, z, fixed)[0]);
  }
  RowMatrix z = tiny_search.round_with_feedback(w, fixed);
  tiny_search.descend(w, z, fixed, 4);
  CHECK(tiny_search.losses(w, z, fixed)[0] <= least * 1.0001);
}

TEST_CASE("compensation lowers the held-out error and leaves an exact input alone", "[quant]") {
  auto sample = test::random_site(1600, 32, 16, false);
  const SiteInput site = sample.input();
  SiteFit fit = range_fit(site, bits(8, 3), extreme_range(site));
  const PreparedSite fitting(site, RowSet::fitting, 4096, {}, {});
  const PreparedSite held_out(site, RowSet::held_out, 4096, {}, {});
  CHECK(fitting.input().rows.rows == 1200);
  CHECK(held_out.input().rows.rows == 400);
  const RowMatrix weight = as_eigen(site.weight);
  const CentredRows test_rows = centred_rows(held_out.input(), fit);
  const auto error = [&](const CentredRows& rows, const RowMatrix& w) {
    const RowMatrix difference = (rows.quantized + rows.error) * weight - rows.quantized * w;
    return static_cast<double>(difference.squaredNorm());
  };
  const auto compensate = [&](const CentredRows& judging) {
    const CentredRows rows = centred_rows(fitting.input(), fit);
    const RowMatrix gram = quantized_gram(rows);
    return compensated_weight(weight, {gram, weight_pull(rows, weight)}, judging);
  };
  const RowMatrix compensated = compensate(test_rows);
  CHECK(error(test_rows, compensated) < 0.95 * error(test_rows, weight));

  fit.activation.scale[0] = 1e-4F;
  fit.activation.bits = 22;
  const RowMatrix same = compensate(centred_rows(held_out.input(), fit));
  CHECK((same - weight).cwiseAbs().maxCoeff() < 1e-4F);
}

TEST_CASE("pooled moments are those of all rows, each set centred by itself", "[quant]") {
  auto sample = test::random_site(60, 5, 3, false);
  for (std::size_t row = 0; row < sample.row_weight.size(); ++row) sample.row_weight[row] = 1.0F + static_cast<float>(row % 3);
  const SiteInput site = sample.input();
  const SiteFit fit = range_fit(site, bits(8, 8), extreme_range(site));
  const CentredRows some = centred_rows(PreparedSite(site, RowSet::fitting, 100, {}, {}).input(), fit);
  const CentredRows others = centred_rows(PreparedSite(site, RowSet::held_out, 100, {}, {}).input(), fit);
  RowMatrix all(some.quantized.rows() + others.quantized.rows(), 5);
  all << some.quantized, others.quantized;
  const RowMatrix direct = all.transpose() * all / static_cast<float>(some.total_weight + others.total_weight);
  CHECK((pooled_gram(quantized_gram(some), some.total_weight, others) - direct).cwiseAbs().maxCoeff() < 1e-5F);
}

TEST_CASE("a channel that dwarfs the others leaves the quantizer, ordinary ones stay", "[quant]") {
  auto sample = test::random_site(1200, 48, 24, true);
  const SiteInput plain = sample.input();
  const std::vector<std::int32_t> none = search_structure(plain, bits(6, 6)).outlier_channels;
  CHECK(std::find(none.begin(), none.end(), 9) == none.end());
  for (std::int64_t r = 0; r < 1200; r += 97) sample.rows[static_cast<std::size_t>(r * 48 + 9)] = 300.0F;
  const SiteInput massive = sample.input();
  const std::vector<std::int32_t> taken = search_structure(massive, bits(6, 6)).outlier_channels;
  CHECK(std::find(taken.begin(), taken.end(), 9) != taken.end());
  MethodOptions without = bits(6, 6);
  without.best.outlier_channels = false;
  CHECK(search_structure(massive, without).outlier_channels.empty());
}

TEST_CASE("channel scales are taken only where the site allows them", "[quant]") {
  auto sample = test::random_site(800, 48, 24, false);
  SiteInput site = sample.input();
  CHECK(search_structure(site, bits(4, 4)).channel_scale.empty());
  site.channel_scale_allowed = true;
  CHECK(search_structure(site, bits(4, 4)).channel_scale.size() == 48);
}

TEST_CASE("readout rows get their share of the weight", "[quant]") {
  auto sample = test::random_site(100, 4, 3, false);
  SiteInput site = sample.input();
  CHECK(emphasized_weights(site) == sample.row_weight);
  std::vector<std::uint8_t> readout(100, 0);
  readout[7] = 1;
  site.readout = readout;
  const std::vector<float> weights = emphasized_weights(site);
  double total = 0;
  for (const float weight : weights) total += static_cast<double>(weight);
  CHECK(static_cast<double>(weights[7]) == Approx(0.3 * total));
  CHECK(weights[8] == sample.row_weight[8]);
  site.readout_only = true;
  CHECK(emphasized_weights(site)[7] > 5 * weights[7]);
  std::fill(readout.begin(), readout.end(), std::uint8_t{1});
  CHECK(emphasized_weights(site) == sample.row_weight);
}
