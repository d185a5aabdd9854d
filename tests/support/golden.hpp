#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/temp_dir.hpp"

namespace nq::test {

/// Path of a file under tests/golden.
inline std::filesystem::path golden_path(const std::string& name) {
  return std::filesystem::path(NQ_TESTS_DIR) / "golden" / name;
}

/// Compares with a committed file; NQ_UPDATE_GOLDEN=1 writes the file instead.
inline void check_golden(const std::string& name, const std::string& actual) {
  const char* update = std::getenv("NQ_UPDATE_GOLDEN");
  if (update != nullptr && std::string(update) == "1") {
    std::filesystem::create_directories(golden_path(name).parent_path());
    std::ofstream(golden_path(name), std::ios::binary) << actual;
    return;
  }
  INFO("golden file " << name << "; NQ_UPDATE_GOLDEN=1 rewrites it");
  CHECK(slurp(golden_path(name)) == actual);
}

}  // namespace nq::test
