#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nq {

/// Counts of values in bins of one width, a power of two: bin k holds the values in
/// [(first + k) * 2^exponent, (first + k + 1) * 2^exponent).
struct Histogram {
  int exponent = 0;
  std::int64_t first = 0;
  std::vector<std::int64_t> counts;  ///< the first and last bin are not empty

  double width() const noexcept;
  double low() const noexcept;  ///< lower edge of the first bin
  std::int64_t total() const noexcept;

  friend bool operator==(const Histogram&, const Histogram&) = default;
};

/// The same counts in bins of width 2^exponent, which must be no less than the present one.
Histogram coarsened(const Histogram& histogram, int exponent);

/// The same counts in at most `bins` bins.
Histogram with_at_most(const Histogram& histogram, std::int64_t bins);

/// Brings histograms to one bin width, the narrowest at which none of them has more than `bins` bins.
void align(std::span<Histogram* const> histograms, std::int64_t bins);

/// Counts a stream of values whose range nobody knows beforehand. The result depends on the set of values alone,
/// not on their order: bins are merged in pairs as the range grows, and edges are whole multiples of the width.
class HistogramBuilder {
 public:
  explicit HistogramBuilder(std::int64_t max_bins = 1024) : max_bins_(max_bins) {}

  void add(std::span<const float> values);

  /// At most `max_bins` bins.
  const Histogram& histogram() const noexcept { return histogram_; }
  std::int64_t not_finite() const noexcept { return not_finite_; }

 private:
  void cover(double low, double high);

  std::int64_t max_bins_;
  Histogram histogram_;
  double low_ = 0;
  double high_ = 0;
  std::int64_t not_finite_ = 0;
};

}  // namespace nq
