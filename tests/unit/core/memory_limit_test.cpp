#include "core/memory_limit.hpp"

#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "support/sanitizer.hpp"
#include "support/temp_dir.hpp"

namespace nq {

TEST_CASE("what control groups leave is the least of all around the process", "[core]") {
  const test::TempDir root;
  std::filesystem::create_directories(root / "outer/inner");
  CHECK_FALSE(control_group_memory(root / "outer/inner", root.path()).has_value());
  root.write("outer/inner/memory.max", "max\n");
  root.write("outer/memory.max", "1000\n");
  root.write("outer/memory.current", "400\n");
  CHECK(control_group_memory(root / "outer/inner", root.path()) == 600);
  root.write("outer/inner/memory.max", "500\n");
  root.write("outer/inner/memory.current", "100\n");
  CHECK(control_group_memory(root / "outer/inner", root.path()) == 400);
  root.write("outer/inner/memory.current", "700\n");
  CHECK(control_group_memory(root / "outer/inner", root.path()) == 0);
}

TEST_CASE("a limit on the address space counts", "[core]") {
  if (test::kSanitizedAllocator) {
    WARN("left out: AddressSanitizer's own memory counts too");
    return;
  }
  rlimit saved{};
  REQUIRE(::getrlimit(RLIMIT_DATA, &saved) == 0);
  CHECK(resident_bytes() > 100000);
  rlimit limit = saved;
  limit.rlim_cur = std::uint64_t{1} << 33;
  REQUIRE(::setrlimit(RLIMIT_DATA, &limit) == 0);
  const auto left = available_memory();
  ::setrlimit(RLIMIT_DATA, &saved);
  REQUIRE(left.has_value());
  CHECK(*left < std::uint64_t{1} << 33);
}

}  // namespace nq
