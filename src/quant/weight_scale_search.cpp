#include "quant/weight_scale_search.hpp"

#include <span>

#include "core/parallel.hpp"
#include "quant/activation_search.hpp"
#include "quant/affine_grid.hpp"
#include "quant/gram.hpp"
#include "quant/quantizers.hpp"
#include "quant/row_scale_search.hpp"
#include "quant/transposed.hpp"

namespace nq {
namespace {

constexpr std::int64_t kOutputBlock = 32;

ErrorMoments error_moments(const SiteInput& site, const SiteFit& fit) {
  const AffineGrid grid = affine_grid(fit.activation);
  Eigen::ArrayXd input_error = Eigen::ArrayXd::Zero(site.rows.cols);
  Eigen::ArrayXd error2 = Eigen::ArrayXd::Zero(site.rows.cols);
  double total = 0;
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const double weight = static_cast<double>(site.row_weight[static_cast<std::size_t>(row)]);
    const float* x = site.rows.row(row);
    for (std::int64_t c = 0; c < site.rows.cols; ++c) {
      const float n = fit.noisy_bias.empty() ? 0.0F : fit.noisy_bias[static_cast<std::size_t>(c)];
      const double error = static_cast<double>(grid_round(x[c] + n, grid) - n - x[c]);
      input_error[c] += weight * error * static_cast<double>(x[c]);
      error2[c] += weight * error * error;
    }
    total += weight;
  }
  return {(input_error / total).cast<float>(), (error2 / total).cast<float>()};
}

}  // namespace

WeightScaleSearch::WeightScaleSearch(const SiteInput& site, const MethodOptions& options)
    : site_(site),
      options_(options),
      weight_rows_(transposed(site.weight)),
      gram_(gram_matrix(site.rows, site.row_weight)) {}

std::vector<float> WeightScaleSearch::proposed_scales(const SiteFit& fit) const {
  std::vector<double> ratios;
  for (int i = 0; i < options_.candidates; ++i) ratios.push_back(candidate_ratio(options_, i));
  const RowScaleSearch search(gram_, error_moments(site_, fit), options_.objective);
  std::vector<float> scales = fit.weight.scale;
  parallel_for(0, site_.weight.cols, kOutputBlock, [&](std::int64_t first, std::int64_t last) {
    search.improve_scales(weight_rows_.middleRows(first, last - first),
                          std::span(scales).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)),
                          ratios, fit.weight);
  });
  return scales;
}

void WeightScaleSearch::improve(const LossMeter& meter, SiteFit& fit,
                                std::vector<double>& channel_mse) const {
  SiteFit trial = fit;
  trial.weight.scale = proposed_scales(fit);
  trial.weight_codes = weight_codes(site_.weight, trial.weight);
  const std::vector<double> trial_mse = meter.channel_mse(trial);
  for (std::size_t out = 0; out < channel_mse.size(); ++out) {
    if (!(trial_mse[out] < channel_mse[out])) continue;
    channel_mse[out] = trial_mse[out];
    fit.weight.scale[out] = trial.weight.scale[out];
  }
  fit.weight_codes = weight_codes(site_.weight, fit.weight);
}

}  // namespace nq
