#include "report/axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nq {
namespace {

/// 1, 2 or 5 times a power of ten, at least `rough`.
double round_step(double rough) {
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

}  // namespace

double Axis::place(double value) const {
  if (!log) return (value - low) / (high - low);
  return (std::log10(std::max(value, low)) - std::log10(low)) / (std::log10(high) - std::log10(low));
}

Axis linear_axis(double low, double high, int count) {
  if (!(high > low)) {
    const double margin = std::max(std::abs(low) * 0.1, 1e-12);
    low -= margin;
    high += margin;
  }
  Axis axis{low, high, false, {}};
  const double step = round_step((high - low) / count);
  for (auto k = static_cast<std::int64_t>(std::ceil(low / step - 1e-9)); static_cast<double>(k) * step <= high + 1e-9 * step; ++k) {
    axis.ticks.push_back(static_cast<double>(k) * step);
  }
  return axis;
}

Axis log_axis(double low, double high) {
  const double first = std::floor(std::log10(low));
  const double last = std::max(first + 1, std::ceil(std::log10(high)));
  Axis axis{std::pow(10.0, first), std::pow(10.0, last), true, {}};
  const double step = std::max(1.0, std::ceil((last - first) / 6));
  for (double exponent = first; exponent <= last; exponent += step) axis.ticks.push_back(std::pow(10.0, exponent));
  return axis;
}

std::string tick_text(const Axis& axis, double value) {
  if (axis.log) return fmt::format("1e{}", std::lround(std::log10(value)));
  const double step = axis.ticks.size() > 1 ? axis.ticks[1] - axis.ticks[0] : axis.high - axis.low;
  const double largest = std::max(std::abs(axis.low), std::abs(axis.high));
  if (largest >= 1e5 || largest < 1e-3) return fmt::format("{:.3g}", std::abs(value) < 1e-9 * step ? 0.0 : value);
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  return text.find_first_not_of("-0.") == std::string::npos ? "0" : text;
}

}  // namespace nq
