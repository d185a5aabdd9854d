#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace nq::test {

/// Path inside the shared test data, or nothing when it is absent; the reason is printed.
/// With NQ_REQUIRE_SHARED=1 absence is a failure.
inline std::optional<std::filesystem::path> shared_data(const std::string& relative) {
  const char* root = std::getenv("NQ_SHARED");
  const char* require = std::getenv("NQ_REQUIRE_SHARED");
  const std::filesystem::path path = root == nullptr ? "" : std::filesystem::path(root) / relative;
  if (root != nullptr && std::filesystem::exists(path)) return path;
  const std::string reason = "shared test data absent: " + relative + " (set NQ_SHARED)";
  if (require != nullptr && std::string(require) == "1") FAIL(reason);
  WARN("skipped: " << reason);
  return std::nullopt;
}

/// Folders of the shared graphs in the ONNX backend-test layout, sorted; empty when absent.
inline std::vector<std::filesystem::path> shared_graphs() {
  const auto root = shared_data("data/graphs");
  std::vector<std::filesystem::path> folders;
  if (!root) return folders;
  for (const auto& entry : std::filesystem::directory_iterator(*root)) folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

}  // namespace nq::test
