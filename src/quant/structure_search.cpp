#include "quant/structure_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "quant/joint_search.hpp"
#include "quant/output_probe.hpp"
#include "quant/prepared_site.hpp"
#include "quant/quantizers.hpp"

namespace nq {
namespace {

constexpr std::int64_t kFittingRows = 640;
constexpr std::int64_t kHeldOutRows = 512;
constexpr std::array<double, 4> kPowers = {0.25, 0.5, 0.75, 1.0};
constexpr std::array<std::size_t, 4> kOutlierCounts = {1, 2, 4, 8};
constexpr double kWideRange = 3.0;    // against the median range
constexpr double kOutlierGain = 0.7;  // the error must fall to this fraction
// A channel is never scaled further than this from the middle one: keeps float32 folding sane.
constexpr double kMaxScale = 1024.0;

std::vector<double> channel_ranges(const SiteInput& site) {
  std::vector<double> ranges;
  for (std::size_t c = 0; c < site.channel_min.size(); ++c) {
    ranges.push_back(static_cast<double>(site.channel_max[c]) - static_cast<double>(site.channel_min[c]));
  }
  return ranges;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// (range / median range)^power, limited.
std::vector<float> power_scale(const std::vector<double>& ranges, double power) {
  const double middle = median(ranges);
  std::vector<float> scale(ranges.size(), 1.0F);
  if (!(middle > 0)) return scale;
  for (std::size_t c = 0; c < ranges.size(); ++c) {
    if (!(ranges[c] > 0)) continue;
    scale[c] =
        static_cast<float>(std::clamp(std::pow(ranges[c] / middle, power), 1.0 / kMaxScale, kMaxScale));
  }
  return scale;
}

std::vector<std::int32_t> widest_channels(const std::vector<double>& ranges, std::size_t count) {
  const double limit = kWideRange * median(ranges);
  std::vector<std::int32_t> wide;
  for (std::size_t c = 0; c < ranges.size(); ++c) {
    if (ranges[c] > limit) wide.push_back(static_cast<std::int32_t>(c));
  }
  std::stable_sort(wide.begin(), wide.end(), [&](std::int32_t a, std::int32_t b) {
    return ranges[static_cast<std::size_t>(a)] > ranges[static_cast<std::size_t>(b)];
  });
  wide.resize(std::min(wide.size(), count));
  std::sort(wide.begin(), wide.end());
  return wide;
}

/// Held-out error of a structure after a joint search on the fitting rows, weights rounded.
double held_out_error(const SiteInput& site, const MethodOptions& options, const SiteStructure& structure) {
  const PreparedSite fitting(site, RowSet::fitting, kFittingRows, structure.channel_scale,
                             structure.outlier_channels);
  SiteFit fit;
  fit.activation = activation_params(-1, 1, options.activation_bits, options.activation_symmetric);
  fit.weight = absmax_weight(fitting.input().weight, options.weight_bits);
  fit.weight_codes = weight_codes(fitting.input().weight, fit.weight);
  const ChannelSamples samples(fitting.input());
  const std::vector<JointChoice> best = joint_search(fitting.input(), samples, fit.activation, 1);

  const PreparedSite held_out(site, RowSet::held_out, kHeldOutRows, structure.channel_scale,
                              structure.outlier_channels);
  OutputProbe probe(held_out.input(), {.rows = held_out.input().rows.rows, .columns = 64});
  probe.set_weight(fit);
  AffineGrid grid = affine_grid(fit.activation);
  grid.scale = best[0].scale;
  return probe.evaluate(grid, best[0].noisy_bias).centred_error2;
}

}  // namespace

SiteStructure search_structure(const SiteInput& site, const MethodOptions& options) {
  SiteStructure best;
  double least = held_out_error(site, options, best);
  const std::vector<double> ranges = channel_ranges(site);
  if (site.channel_scale_allowed && options.best.channel_scale) {
    for (const double power : kPowers) {
      const SiteStructure trial{power_scale(ranges, power), {}};
      const double error = held_out_error(site, options, trial);
      if (!(error < least)) continue;
      least = error;
      best = trial;
    }
  }
  if (!options.best.outlier_channels) return best;
  const double allowed = options.max_overhead * static_cast<double>(site.weight.rows);
  for (const std::size_t count : kOutlierCounts) {
    if (static_cast<double>(count) > allowed) break;
    SiteStructure trial{best.channel_scale, widest_channels(ranges, count)};
    if (trial.outlier_channels.size() <= best.outlier_channels.size()) break;
    const double error = held_out_error(site, options, trial);
    if (!(error < kOutlierGain * least)) continue;
    least = error;
    best = std::move(trial);
  }
  return best;
}

}  // namespace nq
