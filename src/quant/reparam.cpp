#include "quant/reparam.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "quant/quantizers.hpp"

namespace nq {
namespace {

// A gain below this fraction of the largest stays where it is: beta / gamma would explode.
constexpr float kLeastGain = 1e-3F;
constexpr int kClips = 40;
constexpr double kClipStep = 0.01;

std::vector<float> moved_gain(const SiteInput& site) {
  float largest = 0;
  for (const float gain : site.channel_gain) largest = std::max(largest, std::fabs(gain));
  std::vector<float> scale;
  for (const float gain : site.channel_gain) {
    const float magnitude = std::fabs(gain);
    scale.push_back(magnitude > kLeastGain * largest ? magnitude : 1.0F);
  }
  return scale;
}

/// Range of each channel over the mean range; 1 for a channel that is constant.
std::vector<float> common_range(const SiteInput& site) {
  std::vector<double> ranges;
  for (std::size_t c = 0; c < site.channel_min.size(); ++c) {
    ranges.push_back(static_cast<double>(site.channel_max[c]) - static_cast<double>(site.channel_min[c]));
  }
  const double mean = std::accumulate(ranges.begin(), ranges.end(), 0.0) / static_cast<double>(ranges.size());
  std::vector<float> scale;
  for (const double range : ranges) {
    scale.push_back(range > 0 && mean > 0 ? static_cast<float>(range / mean) : 1.0F);
  }
  return scale;
}

/// Quantile of values that each stand for a weight.
double quantile(std::vector<std::pair<double, double>> values, double fraction) {
  std::sort(values.begin(), values.end());
  double total = 0;
  for (const auto& item : values) total += item.second;
  double sum = 0;
  for (const auto& [value, weight] : values) {
    sum += weight;
    if (sum >= fraction * total) return value;
  }
  return values.back().first;
}

}  // namespace

ReparamSite reparameterize(const SiteInput& site, const MethodOptions& options) {
  ReparamSite out;
  if (options.reparam == Reparam::none || site.channel_gain.empty()) return out;
  out.channel_scale = options.reparam == Reparam::os ? moved_gain(site) : common_range(site);
  out.prepared = std::make_unique<PreparedSite>(site, RowSet::all, site.rows.rows, out.channel_scale,
                                                std::vector<std::int32_t>{});
  if (options.reparam == Reparam::os) return out;
  const SiteInput& scaled = out.prepared->input();
  double widest = 0;
  for (std::size_t c = 0; c < scaled.channel_min.size(); ++c) {
    widest = std::max(widest, static_cast<double>(scaled.channel_max[c]) - static_cast<double>(scaled.channel_min[c]));
  }
  const QuantParams params = activation_params(-1, 1, options.activation_bits, options.symmetric());
  const double step = widest / static_cast<double>(params.qmax() - params.qmin());
  const double lowest = step * static_cast<double>(params.qmin() - params.zero_point[0]);
  for (const float low : scaled.channel_min) out.shift.push_back(static_cast<float>(lowest - static_cast<double>(low)));
  return out;
}

void clip_tokens(const SiteInput& site, const LossMeter& meter, SiteFit& fit, std::vector<double>& channel_mse) {
  std::vector<std::pair<double, double>> lows;
  std::vector<std::pair<double, double>> highs;
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const float* x = site.rows.row(row);
    const auto [low, high] = std::minmax_element(x, x + site.rows.cols);
    const auto weight = static_cast<double>(site.row_weight[static_cast<std::size_t>(row)]);
    lows.emplace_back(-static_cast<double>(*low), weight);
    highs.emplace_back(static_cast<double>(*high), weight);
  }
  const QuantParams whole = fit.activation;
  for (int clip = 0; clip < kClips; ++clip) {
    const double rho = 1.0 - kClipStep * clip;
    SiteFit trial = fit;
    trial.activation =
        activation_params(-quantile(lows, rho), quantile(highs, rho), whole.bits, whole.is_signed);
    take_if_better(meter, std::move(trial), fit, channel_mse);
  }
}

}  // namespace nq
