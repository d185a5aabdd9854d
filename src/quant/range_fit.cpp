#include "quant/range_fit.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quant/quantizers.hpp"

namespace nq {
namespace {

constexpr int kBins = 4096;

/// Weighted histogram of |x| or x over [low, high) and the weight below it.
struct Histogram {
  double low = 0;
  double width = 0;  ///< of one bin
  double below = 0;
  std::vector<double> weight = std::vector<double>(kBins, 0.0);
};

Histogram histogram(const SiteInput& site, bool magnitude, double low, double high) {
  Histogram out;
  out.low = low;
  out.width = (high - low) / kBins;
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const double row_weight = static_cast<double>(site.row_weight[static_cast<std::size_t>(row)]);
    const float* x = site.rows.row(row);
    for (std::int64_t c = 0; c < site.rows.cols; ++c) {
      const double value = static_cast<double>(magnitude ? std::fabs(x[c]) : x[c]);
      if (value < low) {
        out.below += row_weight;
      } else if (value <= high) {
        const int bin = std::min(kBins - 1, static_cast<int>((value - low) / out.width));
        out.weight[static_cast<std::size_t>(bin)] += row_weight;
      }
    }
  }
  return out;
}

/// Bin in which the weight counted from below reaches `target`.
int find_bin(const Histogram& histogram, double target) {
  double sum = histogram.below;
  for (int bin = 0; bin < kBins; ++bin) {
    sum += histogram.weight[static_cast<std::size_t>(bin)];
    if (sum >= target) return bin;
  }
  return kBins - 1;
}

/// Upper edge of the bin in which the weight reaches `fraction` of the total.
double quantile(const SiteInput& site, bool magnitude, double low, double high, double fraction) {
  if (!(high > low)) return high;
  double total = 0;
  for (const float weight : site.row_weight) total += static_cast<double>(weight);
  const double target = fraction * total * static_cast<double>(site.rows.cols);
  const Histogram coarse = histogram(site, magnitude, low, high);
  const double bin_low = coarse.low + coarse.width * find_bin(coarse, target);
  const double bin_high = std::min(high, bin_low + coarse.width);
  if (!(bin_high > bin_low)) return high;
  const Histogram fine = histogram(site, magnitude, bin_low, bin_high);
  return std::min(high, fine.low + fine.width * (find_bin(fine, target) + 1));
}

}  // namespace

ValueRange extreme_range(const SiteInput& site) {
  return {static_cast<double>(*std::min_element(site.channel_min.begin(), site.channel_min.end())),
          static_cast<double>(*std::max_element(site.channel_max.begin(), site.channel_max.end()))};
}

ValueRange percentile_range(const SiteInput& site, double percentile, bool symmetric) {
  const ValueRange extremes = extreme_range(site);
  const double fraction = percentile / 100.0;
  if (symmetric) {
    const double absmax = std::max(std::fabs(extremes.low), std::fabs(extremes.high));
    const double limit = quantile(site, true, 0.0, absmax, fraction);
    return {-limit, limit};
  }
  return {quantile(site, false, extremes.low, extremes.high, 1.0 - fraction),
          quantile(site, false, extremes.low, extremes.high, fraction)};
}

SiteFit range_fit(const SiteInput& site, const MethodOptions& options, const ValueRange& range) {
  SiteFit fit;
  fit.activation =
      activation_params(range.low, range.high, options.activation_bits, options.symmetric());
  fit.weight = absmax_weight(site.weight, options.weight_bits);
  fit.weight_codes = weight_codes(site.weight, fit.weight);
  return fit;
}

}  // namespace nq
