#include "pipeline/site_observer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "core/largest_magnitude.hpp"
#include "core/rng.hpp"

namespace nq {
namespace {

constexpr std::uint8_t kRead = 1;     // tags of rows
constexpr std::uint8_t kHeldOut = 2;
constexpr std::uint8_t kUniformRule = 1;
constexpr std::uint8_t kExtremeRule = 2;
constexpr std::uint8_t kReadRule = 4;
constexpr std::uint64_t kFold = 4;    // one image of so many judges
constexpr std::int64_t kExtremeShare = 8;  // of the capacity
constexpr std::int64_t kReadShare = 16;    // of the capacity; what grows longest with the number of images
constexpr double kDeviations = 10;    // margin of a choice by hash; added to the capacity under the root too, for small ones

/// The extreme of two values, NaN when either is: one value that is no number must show, kept row or not.
float low_of(float a, float b) { return std::isnan(b) ? b : std::min(a, b); }
float high_of(float a, float b) { return std::isnan(b) ? b : std::max(a, b); }

/// Widens [low, high] to one more row. Rows without NaN, which is nearly all, take a single operation per end and value.
void widen(const float* row, bool finite, std::span<float> lows, std::span<float> highs) {
  float* low = lows.data();
  float* high = highs.data();
  for (std::size_t channel = 0; channel < lows.size(); ++channel) {
    const float value = row[channel];
    low[channel] = finite ? std::min(low[channel], value) : low_of(low[channel], value);
    high[channel] = finite ? std::max(high[channel], value) : high_of(high[channel], value);
  }
}

}  // namespace

SiteObserver::SiteObserver(std::int64_t c_in, std::int64_t capacity, std::vector<std::uint8_t> readout)
    : c_in_(c_in),
      capacity_(capacity),
      uniform_(c_in, capacity),
      extreme_(c_in, capacity / kExtremeShare),
      read_(c_in, readout.empty() ? 0 : capacity / kReadShare),
      readout_(std::move(readout)),
      totals_(no_tokens(c_in)) {}

std::int64_t SiteObserver::most_rows(std::int64_t capacity, std::int64_t tokens, std::int64_t read_tokens) {
  return std::min(capacity, tokens) + std::min(capacity / kExtremeShare, tokens) + std::min(capacity / kReadShare, read_tokens);
}

std::uint64_t SiteObserver::sample_bytes(std::int64_t c_in, std::int64_t capacity) {
  return static_cast<std::uint64_t>(c_in) * static_cast<std::uint64_t>(most_rows(capacity)) * sizeof(float);
}

SiteObserver::Totals SiteObserver::no_tokens(std::int64_t c_in) {
  Totals totals;
  totals.channel_min.assign(static_cast<std::size_t>(c_in), std::numeric_limits<float>::infinity());
  totals.channel_max.assign(static_cast<std::size_t>(c_in), -std::numeric_limits<float>::infinity());
  return totals;
}

void SiteObserver::expect(std::int64_t tokens) {
  const double wanted = static_cast<double>(capacity_) + kDeviations * std::sqrt(static_cast<double>(capacity_) + kDeviations);
  const double share = wanted / static_cast<double>(std::max<std::int64_t>(tokens, 1));
  last_key_ = share < 1 ? static_cast<std::uint64_t>(std::ldexp(share, 64)) : UINT64_MAX;
}

void SiteObserver::observe(const MatrixView& rows, std::uint64_t image_key) {
  // What reads every value is done before the lock: images of several threads meet here.
  Totals seen = no_tokens(c_in_);
  std::vector<float> magnitudes;
  for (std::int64_t index = 0; index < rows.rows; ++index) {
    magnitudes.push_back(largest_magnitude({rows.row(index), static_cast<std::size_t>(c_in_)}));
    widen(rows.row(index), std::isfinite(magnitudes.back()), seen.channel_min, seen.channel_max);
  }
  seen.tokens = rows.rows;

  const std::lock_guard lock(mutex_);
  const std::uint8_t fold_tag = mix64(image_key) % kFold == 0 ? kHeldOut : 0;
  const bool marked = rows.rows == static_cast<std::int64_t>(readout_.size());
  for (std::int64_t index = 0; index < rows.rows; ++index) {
    const float* row = rows.row(index);
    const std::uint64_t key = mix64(image_key ^ mix64(static_cast<std::uint64_t>(index)));
    const bool read = marked && readout_[static_cast<std::size_t>(index)] != 0;
    const auto tag = static_cast<std::uint8_t>(fold_tag | (read ? kRead : 0));
    if (key <= last_key_) uniform_.offer({0, key}, row, tag);
    extreme_.offer({-magnitudes[static_cast<std::size_t>(index)], key}, row, tag);
    if (!read) continue;
    read_.offer({0, key}, row, tag);
    ++seen.read_tokens;
  }
  add(seen);
}

SiteObserver::KeptRows SiteObserver::kept_rows() const {
  KeptRows kept;
  const auto collect = [&](const RowReservoir& reservoir, std::uint8_t rule) {
    for (const auto& entry : reservoir.entries()) kept.push_back({entry.rank.key, {reservoir.row(entry.slot), entry.tag, rule}});
  };
  collect(uniform_, kUniformRule);
  collect(extreme_, kExtremeRule);
  collect(read_, kReadRule);
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  // What several rules keep becomes one.
  std::size_t count = 0;
  for (const auto& [key, item] : kept) {
    if (count > 0 && kept[count - 1].first == key) {
      KeptRow& merged = kept[count - 1].second;
      merged.rules = static_cast<std::uint8_t>(merged.rules | item.rules);
    } else {
      kept[count++] = {key, item};
    }
  }
  kept.resize(count);
  return kept;
}

void SiteObserver::keep(std::uint64_t key, const KeptRow& row) {
  if ((row.rules & kUniformRule) != 0) uniform_.offer({0, key}, row.row, row.tag);
  if ((row.rules & kExtremeRule) != 0) extreme_.offer({-largest_magnitude({row.row, static_cast<std::size_t>(c_in_)}), key}, row.row, row.tag);
  if ((row.rules & kReadRule) != 0) read_.offer({0, key}, row.row, row.tag);
}

void SiteObserver::add(const Totals& totals) {
  for (std::size_t channel = 0; channel < totals_.channel_min.size(); ++channel) {
    totals_.channel_min[channel] = low_of(totals_.channel_min[channel], totals.channel_min[channel]);
    totals_.channel_max[channel] = high_of(totals_.channel_max[channel], totals.channel_max[channel]);
  }
  totals_.tokens += totals.tokens;
  totals_.read_tokens += totals.read_tokens;
}

SiteStatistics SiteObserver::finish() const {
  // A row may be kept by several rules: as an extreme row it stands for itself alone; the other
  // rows of read tokens, and the rest, each share out the tokens of their kind.
  const KeptRows kept = kept_rows();
  const auto is_extreme = [](const KeptRow& item) { return (item.rules & kExtremeRule) != 0; };
  const auto is_read = [](const KeptRow& item) { return (item.tag & kRead) != 0; };
  std::int64_t unshared[2] = {totals_.tokens - totals_.read_tokens, totals_.read_tokens};  // tokens of each kind
  std::int64_t sharing[2] = {0, 0};                                   // rows that stand for them
  for (const auto& [key, item] : kept) {
    if (is_extreme(item)) --unshared[is_read(item) ? 1 : 0];
    else ++sharing[is_read(item) ? 1 : 0];
  }
  const auto weight = [&](const KeptRow& item) {
    const int kind = is_read(item) ? 1 : 0;
    if (is_extreme(item)) return 1.0F;
    return static_cast<float>(static_cast<double>(unshared[kind]) / static_cast<double>(sharing[kind]));
  };
  SiteStatistics statistics;
  statistics.rows = static_cast<std::int64_t>(kept.size());
  statistics.tokens = totals_.tokens;
  statistics.channel_min = totals_.channel_min;
  statistics.channel_max = totals_.channel_max;
  statistics.samples.reserve(kept.size() * static_cast<std::size_t>(c_in_));
  for (const auto& [key, item] : kept) {
    statistics.samples.insert(statistics.samples.end(), item.row, item.row + c_in_);
    statistics.row_weight.push_back(weight(item));
    statistics.held_out.push_back((item.tag & kHeldOut) != 0 ? 1 : 0);
    if (!readout_.empty()) statistics.readout.push_back(is_read(item) ? 1 : 0);
  }
  return statistics;
}

}  // namespace nq
