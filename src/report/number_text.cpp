#include "report/number_text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace nq {

std::string mse_text(std::optional<double> mse) { return mse ? fmt::format("{:.6g}", *mse) : kNoFigure; }

std::string decibel_text(std::optional<double> decibels) {
  if (!decibels) return kNoFigure;
  return std::isfinite(*decibels) ? fmt::format("{:.2f}", *decibels) : "exact";
}

std::string share_text(std::optional<double> fraction) {
  return fraction ? fmt::format("{:.2f} %", 100 * *fraction) : kNoFigure;
}

std::string small_share_text(std::optional<double> fraction) {
  return fraction ? fmt::format("{:.3g} %", 100 * *fraction) : kNoFigure;
}

std::string file_size_text(std::uint64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size < 1e6) return fmt::format("{:.3g} kB", size / 1e3);
  return size < 1e9 ? fmt::format("{:.3g} MB", size / 1e6) : fmt::format("{:.3g} GB", size / 1e9);
}

}  // namespace nq
