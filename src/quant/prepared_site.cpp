#include "quant/prepared_site.hpp"

#include <algorithm>

namespace nq {
namespace {

constexpr std::size_t kFold = 4;
constexpr std::size_t kLeastShare = 10;  // held-out images must give one row of so many

/// Rows of a copy and the factor of each row's weight.
struct ChosenRows {
  std::vector<std::int64_t> rows;
  std::vector<float> factor;

  void add(std::int64_t row, float weight_factor) {
    rows.push_back(row);
    factor.push_back(weight_factor);
  }
};

/// 1 for the rows that judge: those of held-out images where both kinds are many, else every fourth.
std::vector<std::uint8_t> judging_rows(const SiteInput& site) {
  const auto count = static_cast<std::size_t>(site.rows.rows);
  if (site.held_out.size() == count) {
    const auto judging = static_cast<std::size_t>(std::count(site.held_out.begin(), site.held_out.end(), 1));
    if (judging * kLeastShare >= count && (count - judging) * 2 >= count) return {site.held_out.begin(), site.held_out.end()};
  }
  std::vector<std::uint8_t> judging(count, 0);
  for (std::size_t row = kFold - 1; row < count; row += kFold) judging[row] = 1;
  return judging;
}

/// Members of the set: every readout row, and evenly spaced ones of the others, which then stand
/// for those left out.
ChosenRows chosen_rows(const SiteInput& site, RowSet set, std::int64_t max_rows) {
  std::vector<std::int64_t> others;
  ChosenRows chosen;
  const std::vector<std::uint8_t> judging = judging_rows(site);
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const bool held_out = judging[static_cast<std::size_t>(row)] != 0;
    if (set != RowSet::all && held_out != (set == RowSet::held_out)) continue;
    if (!site.readout.empty() && site.readout[static_cast<std::size_t>(row)] != 0) chosen.add(row, 1.0F);
    else others.push_back(row);
  }
  if (others.empty() && chosen.rows.empty()) others.push_back(0);  // fewer rows than a fold
  const auto count = static_cast<std::int64_t>(others.size());
  const std::int64_t taken = std::min(count, max_rows);
  const auto factor = static_cast<float>(static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(taken, 1)));
  for (std::int64_t i = 0; i < taken; ++i) {
    chosen.add(others[static_cast<std::size_t>((2 * i + 1) * count / (2 * taken))], factor);
  }
  return chosen;
}

}  // namespace

PreparedSite::PreparedSite(const SiteInput& site, RowSet set, std::int64_t max_rows,
                           std::vector<float> channel_scale, std::vector<std::int32_t> outlier_channels)
    : channel_min_(site.channel_min.begin(), site.channel_min.end()),
      channel_max_(site.channel_max.begin(), site.channel_max.end()),
      weight_(as_eigen(site.weight)),
      channel_scale_(std::move(channel_scale)),
      outlier_channels_(std::move(outlier_channels)),
      input_(site) {
  const ChosenRows chosen = chosen_rows(site, set, max_rows);
  rows_.resize(static_cast<Eigen::Index>(chosen.rows.size()), site.rows.cols);
  for (std::size_t i = 0; i < chosen.rows.size(); ++i) {
    rows_.row(static_cast<Eigen::Index>(i)) = as_eigen(site.rows).row(chosen.rows[i]);
    row_weight_.push_back(site.row_weight[static_cast<std::size_t>(chosen.rows[i])] * chosen.factor[i]);
  }
  if (!channel_scale_.empty()) scale_channels();
  silence_outliers();
  input_.rows = {rows_.data(), rows_.rows(), rows_.cols(), rows_.cols()};
  input_.row_weight = row_weight_;
  input_.readout = {};
  input_.channel_min = channel_min_;
  input_.channel_max = channel_max_;
  input_.weight = {weight_.data(), weight_.rows(), weight_.cols(), weight_.cols()};
}

void PreparedSite::scale_channels() {
  for (Eigen::Index row = 0; row < rows_.rows(); ++row) {
    float* x = rows_.row(row).data();
    for (std::size_t c = 0; c < channel_scale_.size(); ++c) x[c] /= channel_scale_[c];
  }
  for (std::size_t c = 0; c < channel_scale_.size(); ++c) {
    channel_min_[c] /= channel_scale_[c];
    channel_max_[c] /= channel_scale_[c];
    weight_.row(static_cast<Eigen::Index>(c)) *= channel_scale_[c];
  }
}

void PreparedSite::silence_outliers() {
  for (const std::int32_t channel : outlier_channels_) {
    rows_.col(channel).setZero();
    weight_.row(channel).setZero();
    channel_min_[static_cast<std::size_t>(channel)] = 0;
    channel_max_[static_cast<std::size_t>(channel)] = 0;
  }
}

}  // namespace nq
