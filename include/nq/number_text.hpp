#pragma once

#include <cstdint>
#include <string>

namespace nq {

/// "921", "5.53 k", "1.26 G": three digits and a decimal prefix.
std::string count_text(std::int64_t count);

/// "17 bytes", "5.71 MB": decimal units, as file managers show.
std::string bytes_text(std::uint64_t bytes);

/// "81.60 %"
std::string percent_text(double fraction);

/// "0.0713 %": three digits, for shares that may be far below a percent.
std::string small_percent_text(double fraction);

}  // namespace nq
