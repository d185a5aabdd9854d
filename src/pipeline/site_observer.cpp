#include "pipeline/site_observer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/rng.hpp"

namespace nq {
namespace {

constexpr std::int64_t kExtremeShare = 8;

float magnitude(const float* row, std::int64_t length) {
  float largest = 0;
  for (std::int64_t channel = 0; channel < length; ++channel) largest = std::max(largest, std::fabs(row[channel]));
  return largest;
}

}  // namespace

SiteObserver::SiteObserver(std::int64_t c_in, std::int64_t capacity)
    : c_in_(c_in),
      uniform_(c_in, capacity),
      extreme_(c_in, capacity / kExtremeShare),
      channel_min_(static_cast<std::size_t>(c_in), std::numeric_limits<float>::infinity()),
      channel_max_(static_cast<std::size_t>(c_in), -std::numeric_limits<float>::infinity()) {}

std::uint64_t SiteObserver::sample_bytes(std::int64_t c_in, std::int64_t capacity) {
  return static_cast<std::uint64_t>(c_in) * static_cast<std::uint64_t>(capacity + capacity / kExtremeShare) *
         sizeof(float);
}

void SiteObserver::observe(const MatrixView& rows, std::uint64_t image_key) {
  const std::lock_guard lock(mutex_);
  for (std::int64_t index = 0; index < rows.rows; ++index) {
    const float* row = rows.row(index);
    for (std::int64_t channel = 0; channel < c_in_; ++channel) {
      const auto at = static_cast<std::size_t>(channel);
      channel_min_[at] = std::min(channel_min_[at], row[channel]);
      channel_max_[at] = std::max(channel_max_[at], row[channel]);
    }
    const std::uint64_t key = mix64(image_key ^ mix64(static_cast<std::uint64_t>(index)));
    uniform_.offer({0, key}, row);
    extreme_.offer({-magnitude(row, c_in_), key}, row);
  }
  tokens_ += rows.rows;
}

SiteStatistics SiteObserver::finish() const {
  // One row may be kept by both rules; as an extreme row it stands for itself alone.
  struct Kept {
    const float* row;
    bool extreme;
  };
  std::map<std::uint64_t, Kept> kept;
  for (const auto& entry : extreme_.entries()) kept.emplace(entry.rank.key, Kept{extreme_.row(entry.slot), true});
  for (const auto& entry : uniform_.entries()) kept.emplace(entry.rank.key, Kept{uniform_.row(entry.slot), false});
  const auto extremes = static_cast<std::int64_t>(extreme_.entries().size());
  const auto others = static_cast<std::int64_t>(kept.size()) - extremes;
  const double other_weight = others > 0 ? static_cast<double>(tokens_ - extremes) / static_cast<double>(others) : 1.0;
  SiteStatistics statistics;
  statistics.rows = static_cast<std::int64_t>(kept.size());
  statistics.tokens = tokens_;
  statistics.channel_min = channel_min_;
  statistics.channel_max = channel_max_;
  statistics.samples.reserve(kept.size() * static_cast<std::size_t>(c_in_));
  for (const auto& [key, item] : kept) {
    statistics.samples.insert(statistics.samples.end(), item.row, item.row + c_in_);
    statistics.row_weight.push_back(item.extreme ? 1.0F : static_cast<float>(other_weight));
  }
  return statistics;
}

}  // namespace nq
