#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nq {

inline constexpr std::uint64_t kMaxLabelFileBytes = std::uint64_t{1} << 28;
inline constexpr std::string_view kBlanks = " \t\r";

/// The text without blanks at its ends.
std::string_view trim(std::string_view text);

/// Lines without surrounding blanks, the byte order mark and the empty lines at the end dropped.
std::vector<std::string_view> lines_of(std::string_view text);

/// Words between blanks.
std::vector<std::string_view> words_of(std::string_view line);

/// Cells of one comma-separated line; a cell in double quotes may hold commas and doubled quotes.
std::vector<std::string> cells_of(std::string_view line);

/// A whole number in 0..10,000,000. Throws Error(input) naming the line otherwise.
std::int64_t parse_index(std::string_view digits, std::size_t line);

/// True for one or more decimal digits.
bool is_number(std::string_view text);

}  // namespace nq
