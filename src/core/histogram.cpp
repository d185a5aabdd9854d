#include "nq/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nq {
namespace {

/// Bits that a bin's place may take: far below the 63 of its type, and more than a float32 has.
constexpr int kPlaceBits = 40;
constexpr int kLowestExponent = -200;

std::int64_t place_of(double value, int exponent) {
  return static_cast<std::int64_t>(std::floor(std::ldexp(value, -exponent)));
}

/// The narrowest width at which [low, high] touches at most `bins` bins.
int narrowest(double low, double high, std::int64_t bins) {
  const double largest = std::max(std::abs(low), std::abs(high));
  int exponent = largest > 0 ? std::max(kLowestExponent, std::ilogb(largest) - kPlaceBits) : kLowestExponent;
  while (place_of(high, exponent) - place_of(low, exponent) >= bins) ++exponent;
  return exponent;
}

}  // namespace

double Histogram::width() const noexcept { return std::ldexp(1.0, exponent); }

double Histogram::low() const noexcept { return std::ldexp(static_cast<double>(first), exponent); }

std::int64_t Histogram::total() const noexcept { return std::accumulate(counts.begin(), counts.end(), std::int64_t{0}); }

Histogram coarsened(const Histogram& histogram, int exponent) {
  if (histogram.counts.empty() || exponent <= histogram.exponent) return histogram;
  const int shift = std::min(exponent - histogram.exponent, 62);
  Histogram result;
  result.exponent = exponent;
  result.first = histogram.first >> shift;
  const std::int64_t last = (histogram.first + static_cast<std::int64_t>(histogram.counts.size()) - 1) >> shift;
  result.counts.assign(static_cast<std::size_t>(last - result.first + 1), 0);
  for (std::size_t k = 0; k < histogram.counts.size(); ++k) {
    const std::int64_t place = (histogram.first + static_cast<std::int64_t>(k)) >> shift;
    result.counts[static_cast<std::size_t>(place - result.first)] += histogram.counts[k];
  }
  return result;
}

Histogram with_at_most(const Histogram& histogram, std::int64_t bins) {
  Histogram result = histogram;
  while (static_cast<std::int64_t>(result.counts.size()) > bins) result = coarsened(result, result.exponent + 1);
  return result;
}

void align(std::span<Histogram* const> histograms, std::int64_t bins) {
  bool is_first = true;
  int exponent = 0;
  for (const Histogram* histogram : histograms) {
    if (histogram->counts.empty()) continue;
    const int own = with_at_most(*histogram, bins).exponent;
    exponent = is_first ? own : std::max(exponent, own);
    is_first = false;
  }
  for (Histogram* histogram : histograms) *histogram = coarsened(*histogram, exponent);
}

/// Widens the bins until they hold everything seen so far and [low, high].
void HistogramBuilder::cover(double low, double high) {
  const bool is_first = histogram_.counts.empty();
  low_ = is_first ? low : std::min(low_, low);
  high_ = is_first ? high : std::max(high_, high);
  const int exponent = narrowest(low_, high_, max_bins_);
  if (is_first) histogram_.exponent = exponent;
  else histogram_ = coarsened(histogram_, exponent);
  const std::int64_t first = place_of(low_, exponent);
  const std::int64_t last = place_of(high_, exponent);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(last - first + 1), 0);
  if (!is_first) std::copy(histogram_.counts.begin(), histogram_.counts.end(), counts.begin() + (histogram_.first - first));
  histogram_.exponent = exponent;
  histogram_.first = first;
  histogram_.counts = std::move(counts);
}

void HistogramBuilder::add(std::span<const float> values) {
  float low = INFINITY;
  float high = -INFINITY;
  for (const float value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (low <= high) cover(static_cast<double>(low), static_cast<double>(high));
  // A power of two: the product is the exact place within its bin.
  const double places_per_unit = std::ldexp(1.0, -histogram_.exponent);
  for (const float value : values) {
    if (!std::isfinite(value)) {
      ++not_finite_;
      continue;
    }
    const auto place = static_cast<std::int64_t>(std::floor(static_cast<double>(value) * places_per_unit));
    ++histogram_.counts[static_cast<std::size_t>(place - histogram_.first)];
  }
}

}  // namespace nq
