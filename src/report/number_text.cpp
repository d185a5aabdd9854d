#include "report/number_text.hpp"

#include <fmt/format.h>

#include <cmath>

#include "nq/number_text.hpp"

namespace nq {

std::string mse_text(std::optional<double> mse) { return mse ? fmt::format("{:.6g}", *mse) : kNoFigure; }

std::string decibel_text(std::optional<double> decibels) {
  if (!decibels) return kNoFigure;
  return std::isfinite(*decibels) ? fmt::format("{:.2f}", *decibels) : "exact";
}

std::string share_text(std::optional<double> fraction) { return fraction ? percent_text(*fraction) : kNoFigure; }

std::string small_share_text(std::optional<double> fraction) { return fraction ? small_percent_text(*fraction) : kNoFigure; }

}  // namespace nq
