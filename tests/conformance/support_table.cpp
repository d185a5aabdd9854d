// Prints docs/onnx_support.md: every operator with its opsets, and what is left out and why.

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "nq/onnx_limits.hpp"
#include "nq/op.hpp"

namespace {

using Range = std::pair<int, int>;  ///< first and last opset

/// Operators that a model file can name; the internal domain of the planner is left out.
bool is_public(const nq::OpDef& def) { return def.domain != "nq"; }

std::map<std::string, std::vector<Range>> ranges_by_operator() {
  std::map<std::string, std::vector<Range>> operators;
  for (const nq::OpDef& def : nq::builtin_ops().all()) {
    if (!is_public(def)) continue;
    const std::string name = def.domain.empty() ? std::string(def.type) : fmt::format("{}.{}", def.domain, def.type);
    operators[name].emplace_back(def.since, def.until);
  }
  return operators;
}

/// "1-12, 13-": ranges that follow one another become one.
std::string describe(std::vector<Range> ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::vector<Range> merged;
  for (const Range& range : ranges) {
    const bool follows = !merged.empty() && merged.back().second != INT_MAX && merged.back().second + 1 == range.first;
    if (follows) merged.back().second = range.second;
    else merged.push_back(range);
  }
  std::string text;
  for (const auto& [since, until] : merged) {
    if (!text.empty()) text += ", ";
    text += until == INT_MAX ? fmt::format("{} and later", since) : fmt::format("{} to {}", since, until);
  }
  return text;
}

}  // namespace

int main() {
  const auto operators = ranges_by_operator();
  fmt::print(
      "# ONNX support\n\n"
      "Generated from the operator registry and the table of limits; the test `docs.onnx_support` keeps it current.\n\n"
      "A model with anything outside these tables is refused before any work, and every node concerned is listed.\n"
      "Local functions are inlined. `If` is taken apart when its condition is known before running.\n"
      "The families of networks that are tested, and what exports of them need, are in [families.md](families.md).\n\n"
      "## Operators\n\n{} operators of the default domain unless named otherwise.\n\n| operator | opsets |\n|---|---|\n",
      operators.size());
  for (const auto& [name, ranges] : operators) fmt::print("| {} | {} |\n", name, describe(ranges));
  fmt::print("\n## Left out on purpose\n\n| feature | reason |\n|---|---|\n");
  for (const nq::OnnxLimit& limit : nq::onnx_limits()) fmt::print("| {} | {} |\n", limit.feature, limit.reason);
}
