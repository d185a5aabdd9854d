#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace nq {

/// A sum of doubles without rounding, held as a few doubles that do not overlap (Shewchuk 1997, growing
/// expansions). value() is the true sum rounded once, so it depends neither on the order of the terms nor on
/// how they were split over several sums.
class ExactSum {
 public:
  /// A term that is not finite makes value() NaN.
  void add(double term);
  void add(const ExactSum& other);
  /// The exact sum rounded to nearest.
  double value() const;

  /// The fewest doubles whose exact sum this is, the largest first: equal sums have equal parts.
  std::vector<double> parts() const;
  /// Number of terms that were not finite.
  std::int64_t not_finite() const noexcept { return not_finite_; }
  static ExactSum of(std::span<const double> parts, std::int64_t not_finite = 0);

 private:
  std::vector<double> parts_;  ///< not overlapping, in rising order of magnitude
  std::int64_t not_finite_ = 0;
};

}  // namespace nq
