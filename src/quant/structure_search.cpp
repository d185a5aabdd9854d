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

constexpr std::int64_t kFittingRows = 384;
constexpr std::int64_t kHeldOutRows = 384;
constexpr std::array<double, 4> kPowers = {0.25, 0.5, 0.75, 1.0};
constexpr std::array<std::size_t, 4> kOutlierCounts = {1, 2, 4, 8};
constexpr double kWideRange = 3.0;    // against the median range
constexpr double kOutlierGain = 0.7;  // the error must fall to this fraction
constexpr double kPaidGain = 0.65;    // the same for scales that cost a Mul
// Multiply-accumulates of the integer product that take as long as one element of a Mul or an Add.
constexpr double kElementCost = 8.0;
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
  fit.activation = activation_params(-1, 1, options.activation_bits, options.symmetric());
  fit.weight = absmax_weight(fitting.input().weight, options.weight_bits);
  fit.weight_codes = weight_codes(fitting.input().weight, fit.weight);
  // Extremes of the fitting rows alone: what clipping costs on other images shall be seen.
  SiteInput seen = fitting.input();
  const Eigen::RowVectorXf low = as_eigen(seen.rows).colwise().minCoeff();
  const Eigen::RowVectorXf high = as_eigen(seen.rows).colwise().maxCoeff();
  seen.channel_min = {low.data(), static_cast<std::size_t>(low.size())};
  seen.channel_max = {high.data(), static_cast<std::size_t>(high.size())};
  const ChannelSamples samples(seen);
  const std::vector<JointChoice> best = joint_search(fitting.input(), samples, fit.activation, 1);

  const PreparedSite held_out(site, RowSet::held_out, kHeldOutRows, structure.channel_scale,
                              structure.outlier_channels);
  OutputProbe probe(held_out.input(), {.rows = held_out.input().rows.rows, .columns = 64});
  probe.set_weight(fit);
  AffineGrid grid = affine_grid(fit.activation);
  grid.scale = best[0].scale;
  return probe.evaluate(grid, best[0].noisy_bias).centred_error2;
}

/// Greedy search; every step keeps what it finds only when the held-out error falls enough.
class StructureSearch {
 public:
  StructureSearch(const SiteInput& site, const MethodOptions& options)
      : site_(site), options_(options), ranges_(channel_ranges(site)),
        least_(held_out_error(site, options, best_)) {}

  SiteStructure run() {
    const bool scale = options_.best.channel_scale;
    if (scale && site_.channel_scale_allowed) search_scale(1.0);
    if (options_.best.outlier_channels) search_outliers();
    if (scale && !site_.channel_scale_allowed && affordable(best_.outlier_channels.size(), true)) search_scale(kPaidGain);
    return best_;
  }

 private:
  bool affordable(std::size_t outliers, bool multiply) const {
    return float_share(site_, outliers, multiply ? 1 : 0) <= options_.max_overhead;
  }

  /// Takes the structure if its held-out error, which is returned, is below `limit`.
  double offer(SiteStructure trial, double limit) {
    const double error = held_out_error(site_, options_, trial);
    if (error < limit) {
      least_ = error;
      best_ = std::move(trial);
    }
    return error;
  }

  void search_scale(double gain) {
    const double start = least_;
    double previous = start;
    for (const double power : kPowers) {
      const double error = offer({power_scale(ranges_, power), best_.outlier_channels}, std::min(least_, gain * start));
      if (!(error < previous)) break;  // it rises for good
      previous = error;
    }
  }

  void search_outliers() {
    const bool multiplied = !best_.channel_scale.empty() && !site_.channel_scale_allowed;
    for (const std::size_t count : kOutlierCounts) {
      SiteStructure trial{best_.channel_scale, widest_channels(ranges_, count)};
      if (trial.outlier_channels.size() <= best_.outlier_channels.size()) break;
      if (!affordable(trial.outlier_channels.size(), multiplied)) break;
      offer(std::move(trial), kOutlierGain * least_);
    }
  }

  const SiteInput& site_;
  const MethodOptions& options_;
  std::vector<double> ranges_;
  SiteStructure best_;
  double least_;
};

}  // namespace

double float_share(const SiteInput& site, std::size_t outliers, int passes) {
  return static_cast<double>(outliers) / static_cast<double>(site.weight.rows) +
         passes * kElementCost / static_cast<double>(site.weight.cols);
}

SiteStructure search_structure(const SiteInput& site, const MethodOptions& options) {
  return StructureSearch(site, options).run();
}

}  // namespace nq
