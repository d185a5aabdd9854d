#include "nq/exact_sum.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace nq {

void ExactSum::add(double term) {
  if (!std::isfinite(term)) {
    ++not_finite_;
    return;
  }
  // Each part and the term become a rounded sum and its exact error; the errors are the new parts.
  std::size_t kept = 0;
  for (double part : parts_) {
    if (std::abs(term) < std::abs(part)) std::swap(term, part);
    const double high = term + part;
    const double low = part - (high - term);
    if (low != 0.0) parts_[kept++] = low;
    term = high;
  }
  parts_.resize(kept);
  parts_.push_back(term);
}

void ExactSum::add(const ExactSum& other) {
  for (const double part : std::vector<double>(other.parts_)) add(part);
  not_finite_ += other.not_finite_;
}

double ExactSum::value() const {
  if (not_finite_ > 0) return std::numeric_limits<double>::quiet_NaN();
  double high = 0;
  std::size_t at = parts_.size();
  while (at > 0) {
    const double before = high;
    const double part = parts_[--at];
    high = before + part;
    const double low = part - (high - before);
    if (low == 0.0) continue;
    // Half a unit in the last place is rounded by the sign of what lies below.
    if (at > 0 && (low < 0) == (parts_[at - 1] < 0)) {
      const double twice = 2.0 * low;
      const double other = high + twice;
      if (twice == other - high) high = other;
    }
    break;
  }
  return high;
}

std::vector<double> ExactSum::parts() const {
  std::vector<double> parts;
  ExactSum rest;
  rest.parts_ = parts_;
  for (double part = rest.value(); part != 0.0; part = rest.value()) {
    parts.push_back(part);
    rest.add(-part);
  }
  return parts;
}

ExactSum ExactSum::of(std::span<const double> parts, std::int64_t not_finite) {
  ExactSum sum;
  for (const double part : parts) sum.add(part);
  sum.not_finite_ += not_finite;
  return sum;
}

}  // namespace nq
