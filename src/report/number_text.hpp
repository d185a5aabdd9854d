#pragma once

#include <optional>
#include <string>

namespace nq {

/// What stands for a figure that there is not.
inline constexpr const char* kNoFigure = "-";

/// As `eval` and `compare` print them, where there is a figure.
std::string mse_text(std::optional<double> mse);                ///< "0.0123457"
std::string decibel_text(std::optional<double> decibels);       ///< "31.42", "exact" for infinity
std::string share_text(std::optional<double> fraction);         ///< "81.60 %"
std::string small_share_text(std::optional<double> fraction);   ///< "0.0713 %"

}  // namespace nq
