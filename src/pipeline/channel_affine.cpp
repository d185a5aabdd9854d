#include "pipeline/channel_affine.hpp"

#include <algorithm>
#include <cmath>

namespace nq {
namespace {

constexpr double kSameSlope = 1e-3;
constexpr double kSameOffset = 1e-4;
/// Variance relative to the mean square below which a channel counts as constant and its slope as unknown.
constexpr double kConstant = 1e-9;

}  // namespace

void ChannelAffine::add(std::span<const float> x, std::span<const float> p) {
  for (std::size_t k = 0; k < x.size(); ++k) {
    Sums& sums = sums_[k % sums_.size()];
    const double a = x[k];
    const double b = p[k];
    sums.n += 1;
    sums.x += a;
    sums.p += b;
    sums.xx += a * a;
    sums.xp += a * b;
  }
}

double ChannelAffine::slope(const Sums& sums) {
  const double spread = sums.xx - sums.x * sums.x / std::max(sums.n, 1.0);
  if (spread <= kConstant * sums.xx) return 1;
  return (sums.xp - sums.x * sums.p / sums.n) / spread;
}

bool ChannelAffine::is_scaled() const {
  return std::any_of(sums_.begin(), sums_.end(), [](const Sums& sums) { return std::abs(slope(sums) - 1) > kSameSlope; });
}

std::vector<float> ChannelAffine::channel_scale() const {
  std::vector<float> scales;
  if (!is_scaled()) return scales;
  for (const Sums& sums : sums_) scales.push_back(static_cast<float>(1.0 / slope(sums)));
  return scales;
}

std::vector<float> ChannelAffine::noisy_bias(double step) const {
  const bool scaled = is_scaled();
  std::vector<float> bias;
  bool moved = false;
  for (const Sums& sums : sums_) {
    const double offset = sums.n > 0 ? (sums.p - (scaled ? slope(sums) : 1.0) * sums.x) / sums.n : 0;
    moved = moved || std::abs(offset) > kSameOffset * step;
    bias.push_back(static_cast<float>(offset));
  }
  if (!moved) bias.clear();
  return bias;
}

}  // namespace nq
