#include "quant/bias_correction.hpp"

namespace nq {

InputMeans input_means(const SiteInput& site, const SiteFit& fit) {
  const AffineGrid grid = affine_grid(fit.activation);
  const auto channels = static_cast<std::size_t>(site.rows.cols);
  const std::vector<float> silent(channels, 0.0F);
  const float* noise = fit.noisy_bias.empty() ? silent.data() : fit.noisy_bias.data();
  InputMeans means{grid, fit.noisy_bias, std::vector<double>(channels, 0.0), std::vector<double>(channels, 0.0)};
  double total = 0;
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const double weight = static_cast<double>(site.row_weight[static_cast<std::size_t>(row)]);
    const float* x = site.rows.row(row);
    for (std::size_t c = 0; c < channels; ++c) {
      const float error = grid_round(x[c] + noise[c], grid) - noise[c] - x[c];
      means.value[c] += weight * static_cast<double>(x[c]);
      means.error[c] += weight * static_cast<double>(error);
    }
    total += weight;
  }
  for (double& value : means.value) value /= total;
  for (double& error : means.error) error /= total;
  return means;
}

std::vector<float> mean_correction(const SiteInput& site, const InputMeans& means, const SiteFit& fit) {
  const auto outputs = static_cast<std::size_t>(site.weight.cols);
  std::vector<double> sum(outputs, 0.0);
  for (std::size_t c = 0; c < means.value.size(); ++c) {
    const float* w = site.weight.row(static_cast<std::int64_t>(c));
    const WeightCode* codes = fit.weight_codes.data() + c * outputs;
    const double seen = means.value[c] + means.error[c];
    for (std::size_t out = 0; out < outputs; ++out) {
      const double quantized = static_cast<double>(codes[out]) * static_cast<double>(fit.weight.scale[out]);
      sum[out] += means.value[c] * static_cast<double>(w[out]) - seen * quantized;
    }
  }
  std::vector<float> correction;
  for (const double value : sum) correction.push_back(static_cast<float>(value));
  return correction;
}

}  // namespace nq
