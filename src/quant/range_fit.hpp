#pragma once

#include "nq/method.hpp"

namespace nq {

/// Smallest and largest input value that the activation quantizer must represent.
struct ValueRange {
  double low = 0;
  double high = 0;
};

/// Extremes over all calibration tokens and channels.
ValueRange extreme_range(const SiteInput& site);

/// The range that keeps `percentile` percent of the sampled values by row weight: symmetric
/// [-t, t] for the percentile t of |x|, else the percentile and its mirror of x.
/// Read from two nested histograms, so it is exact to 2^-24 of the extreme range.
ValueRange percentile_range(const SiteInput& site, double percentile, bool symmetric);

/// Starting point of every method: activation parameters from a range, weights from their
/// absolute maxima, codes rounded to nearest. No stages.
SiteFit range_fit(const SiteInput& site, const MethodOptions& options, const ValueRange& range);

}  // namespace nq
