#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

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

}  // namespace nq::test
