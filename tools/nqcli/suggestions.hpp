#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace nq {

/// Insertions, deletions and substitutions that turn `a` into `b` (Levenshtein distance).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to a mistyped word, the first of equally near ones; nothing when none is
/// within a third of the word's length.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace nq
