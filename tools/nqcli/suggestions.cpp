#include "suggestions.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace nq {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t from = 1; from <= a.size(); ++from) {
    std::size_t diagonal = row[0];
    row[0] = from;
    for (std::size_t to = 1; to <= b.size(); ++to) {
      const std::size_t substituted = diagonal + (a[from - 1] == b[to - 1] ? 0 : 1);
      diagonal = row[to];
      row[to] = std::min({substituted, row[to] + 1, row[to - 1] + 1});
    }
  }
  return row[b.size()];
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  std::size_t best = std::max<std::size_t>(1, word.size() / 3) + 1;
  std::optional<std::string> result;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= best) continue;
    best = distance;
    result = candidate;
  }
  return result;
}

}  // namespace nq
