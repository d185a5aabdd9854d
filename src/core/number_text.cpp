#include "nq/number_text.hpp"

#include <fmt/format.h>

#include <string_view>

namespace nq {
namespace {

/// `value` scaled below 1000, with the prefix that it lost.
std::string scaled(double value, std::string_view unit) {
  constexpr std::string_view kPrefixes = " kMGTP";
  std::size_t prefix = 0;
  while (value >= 999.5 && prefix + 1 < kPrefixes.size()) {
    value /= 1000;
    ++prefix;
  }
  return fmt::format("{:.3g} {}{}", value, kPrefixes[prefix], unit);
}

}  // namespace

std::string count_text(std::int64_t count) {
  return count < 1000 ? std::to_string(count) : scaled(static_cast<double>(count), "");
}

std::string bytes_text(std::uint64_t bytes) {
  return bytes < 1000 ? fmt::format("{} bytes", bytes) : scaled(static_cast<double>(bytes), "B");
}

std::string percent_text(double fraction) { return fmt::format("{:.2f} %", 100 * fraction); }

std::string small_percent_text(double fraction) { return fmt::format("{:.3g} %", 100 * fraction); }

}  // namespace nq
