#include "pipeline/site_observer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/rng.hpp"

namespace nq {
namespace {

constexpr std::int64_t kShare = 8;  // of the capacity, for extreme and for read rows

float magnitude(const float* row, std::int64_t length) {
  float largest = 0;
  for (std::int64_t channel = 0; channel < length; ++channel) largest = std::max(largest, std::fabs(row[channel]));
  return largest;
}

}  // namespace

SiteObserver::SiteObserver(std::int64_t c_in, std::int64_t capacity, std::vector<std::uint8_t> readout)
    : c_in_(c_in),
      uniform_(c_in, capacity),
      extreme_(c_in, capacity / kShare),
      read_(c_in, readout.empty() ? 0 : capacity / kShare),
      readout_(std::move(readout)),
      channel_min_(static_cast<std::size_t>(c_in), std::numeric_limits<float>::infinity()),
      channel_max_(static_cast<std::size_t>(c_in), -std::numeric_limits<float>::infinity()) {}

std::uint64_t SiteObserver::sample_bytes(std::int64_t c_in, std::int64_t capacity) {
  return static_cast<std::uint64_t>(c_in) * static_cast<std::uint64_t>(capacity + 2 * (capacity / kShare)) *
         sizeof(float);
}

void SiteObserver::observe(const MatrixView& rows, std::uint64_t image_key) {
  const std::lock_guard lock(mutex_);
  const bool marked = rows.rows == static_cast<std::int64_t>(readout_.size());
  for (std::int64_t index = 0; index < rows.rows; ++index) {
    const float* row = rows.row(index);
    for (std::int64_t channel = 0; channel < c_in_; ++channel) {
      const auto at = static_cast<std::size_t>(channel);
      channel_min_[at] = std::min(channel_min_[at], row[channel]);
      channel_max_[at] = std::max(channel_max_[at], row[channel]);
    }
    const std::uint64_t key = mix64(image_key ^ mix64(static_cast<std::uint64_t>(index)));
    const bool read = marked && readout_[static_cast<std::size_t>(index)] != 0;
    uniform_.offer({0, key}, row, read);
    extreme_.offer({-magnitude(row, c_in_), key}, row, read);
    if (!read) continue;
    read_.offer({0, key}, row, read);
    ++read_tokens_;
  }
  tokens_ += rows.rows;
}

SiteStatistics SiteObserver::finish() const {
  // A row may be kept by several rules: as an extreme row it stands for itself alone; the other
  // rows of read tokens, and the rest, each share out the tokens of their kind.
  struct Kept {
    const float* row;
    bool extreme;
    bool read;
  };
  std::map<std::uint64_t, Kept> kept;
  const auto keep = [&](const RowReservoir& reservoir, bool extreme) {
    for (const auto& entry : reservoir.entries()) {
      kept.emplace(entry.rank.key, Kept{reservoir.row(entry.slot), extreme, entry.marked});
    }
  };
  keep(extreme_, true);
  keep(read_, false);
  keep(uniform_, false);
  std::int64_t unshared[2] = {tokens_ - read_tokens_, read_tokens_};  // tokens of each kind
  std::int64_t sharing[2] = {0, 0};                                   // rows that stand for them
  for (const auto& [key, item] : kept) {
    if (item.extreme) --unshared[item.read ? 1 : 0];
    else ++sharing[item.read ? 1 : 0];
  }
  const auto weight = [&](const Kept& item) {
    const int kind = item.read ? 1 : 0;
    if (item.extreme) return 1.0F;
    return static_cast<float>(static_cast<double>(unshared[kind]) / static_cast<double>(sharing[kind]));
  };
  SiteStatistics statistics;
  statistics.rows = static_cast<std::int64_t>(kept.size());
  statistics.tokens = tokens_;
  statistics.channel_min = channel_min_;
  statistics.channel_max = channel_max_;
  statistics.samples.reserve(kept.size() * static_cast<std::size_t>(c_in_));
  for (const auto& [key, item] : kept) {
    statistics.samples.insert(statistics.samples.end(), item.row, item.row + c_in_);
    statistics.row_weight.push_back(weight(item));
    if (!readout_.empty()) statistics.readout.push_back(item.read ? 1 : 0);
  }
  return statistics;
}

}  // namespace nq
