#include "exec/arena_layout.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "core/rng.hpp"

namespace nq {

TEST_CASE("blocks are aligned and freed gaps are reused, best fit first", "[exec]") {
  ArenaLayout layout;
  CHECK(layout.allocate(100) == 0);
  CHECK(layout.allocate(1) == 128);
  CHECK(layout.allocate(64) == 192);
  CHECK(layout.allocate(300) == 256);
  CHECK(layout.peak() == 256 + 320);
  layout.release(0);    // gap of 128
  layout.release(192);  // gap of 64
  CHECK(layout.allocate(64) == 192);
  CHECK(layout.allocate(65) == 0);
  CHECK(layout.peak() == 576);
  CHECK(layout.allocate(0) == 576);
}

TEST_CASE("live blocks never overlap", "[exec]") {
  RandomStream stream(1, "arena");
  ArenaLayout layout;
  std::map<std::size_t, std::size_t> live;
  for (int step = 0; step < 2000; ++step) {
    if (!live.empty() && stream.uniform() < 0.45) {
      auto victim = live.begin();
      std::advance(victim, static_cast<std::ptrdiff_t>(stream.next() % live.size()));
      layout.release(victim->first);
      live.erase(victim);
      continue;
    }
    const std::size_t bytes = 1 + stream.next() % 1000;
    const std::size_t offset = layout.allocate(bytes);
    REQUIRE(offset % ArenaLayout::kAlignment == 0);
    REQUIRE(offset + bytes <= layout.peak());
    const auto next = live.lower_bound(offset);
    if (next != live.end()) REQUIRE(offset + bytes <= next->first);
    if (next != live.begin()) REQUIRE(std::prev(next)->first + std::prev(next)->second <= offset);
    live[offset] = bytes;
  }
}

}  // namespace nq
