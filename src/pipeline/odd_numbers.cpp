#include "pipeline/odd_numbers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/check.hpp"
#include "core/largest_magnitude.hpp"

namespace nq {
namespace {

constexpr float kDwarfed = 1e6F;  ///< times the median magnitude: beyond what 8 bits or float32 sums can show beside it
constexpr float kCodes = 127.0F;  ///< of the widest weight codes
constexpr float kLeastNormal = std::numeric_limits<float>::min();

/// Of those that are not zero.
float median_magnitude(const std::vector<float>& values) {
  std::vector<float> sizes;
  for (const float value : values) {
    if (value != 0) sizes.push_back(std::fabs(value));
  }
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  return *middle;
}

std::int64_t zero_columns(const std::vector<float>& weight, std::int64_t columns) {
  std::vector<std::uint8_t> is_zero(static_cast<std::size_t>(columns), 1);
  for (auto row = weight.begin(); row != weight.end(); row += columns) {
    for (std::int64_t column = 0; column < columns; ++column) {
      if (row[column] != 0) is_zero[static_cast<std::size_t>(column)] = 0;
    }
  }
  return std::count(is_zero.begin(), is_zero.end(), 1);
}

void look_at_weight(const LinearSite& site, std::vector<std::string>& found) {
  const std::vector<float> weight = site.weight_matrix();
  const float largest = largest_magnitude(weight);
  if (largest == 0) {
    found.push_back(fmt::format("layer '{}': every weight is zero", site.name));
    return;
  }
  if (const std::int64_t zero = zero_columns(weight, site.c_out); zero > 0) {
    found.push_back(fmt::format("layer '{}': {} of {} output channels have zero weights", site.name, zero, site.c_out));
  }
  std::int64_t dwarfed = 0;
  std::int64_t nonzero = 0;
  for (const float value : weight) {
    nonzero += value != 0 ? 1 : 0;
    dwarfed += value != 0 && largest > kDwarfed * std::fabs(value) ? 1 : 0;
  }
  if (2 * dwarfed > nonzero) {
    found.push_back(fmt::format("layer '{}': a weight of magnitude {:.3g} dwarfs the others, whose median is {:.3g}: they "
                                "round to zero beside it",
                                site.name, largest, median_magnitude(weight)));
  }
  if (largest < kCodes * kLeastNormal) {
    found.push_back(fmt::format("layer '{}': weights of at most {:.3g} are too small for a scale of float32, and round to few "
                                "codes or none",
                                site.name, largest));
  }
}

void look_at_input(const SiteGroup& group, const SiteObserver::Totals& totals, std::vector<std::string>& found) {
  const auto low = *std::min_element(totals.channel_min.begin(), totals.channel_min.end());
  const auto high = *std::max_element(totals.channel_max.begin(), totals.channel_max.end());
  const float largest = std::max(std::fabs(low), std::fabs(high));
  const std::string& name = group.leader().name;
  if (largest == 0) {
    found.push_back(fmt::format("layer '{}': the input is zero in every calibration image", name));
  } else if (low == high) {
    found.push_back(fmt::format("layer '{}': the input is {:.6g} throughout every calibration image", name, low));
  } else if (totals.channel_min == totals.channel_max) {
    found.push_back(fmt::format("layer '{}': the input is the same in every token of every calibration image", name));
  }
  if (largest > 0 && largest < kCodes * kLeastNormal) {
    found.push_back(fmt::format("layer '{}': inputs of at most {:.3g} are too small for a scale of float32", name, largest));
  }
}

}  // namespace

std::vector<std::string> odd_numbers(const SiteGroup& group, const SiteObserver::Totals& totals) {
  std::vector<std::string> found;
  if (totals.tokens > 0) look_at_input(group, totals, found);
  for (const LinearSite& site : group.sites) look_at_weight(site, found);
  return found;
}

}  // namespace nq
