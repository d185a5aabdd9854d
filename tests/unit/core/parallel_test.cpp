#include "core/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "core/check.hpp"
#include "support/errors.hpp"

namespace nq {
namespace {

/// Restores "all cores" when a test ends.
struct ThreadScope {
  explicit ThreadScope(int threads) { set_num_threads(threads); }
  ~ThreadScope() { set_num_threads(0); }
};

std::set<std::pair<std::int64_t, std::int64_t>> chunks_of(std::int64_t begin, std::int64_t end,
                                                          std::int64_t grain) {
  std::set<std::pair<std::int64_t, std::int64_t>> chunks;
  std::mutex mutex;
  parallel_for(begin, end, grain, [&](std::int64_t first, std::int64_t last) {
    const std::lock_guard lock(mutex);
    chunks.emplace(first, last);
  });
  return chunks;
}

}  // namespace

TEST_CASE("chunks depend on the grain, not on the threads", "[core]") {
  const std::set<std::pair<std::int64_t, std::int64_t>> expected = {{3, 7}, {7, 11}, {11, 13}};
  for (const int threads : {1, 2, 3, 8}) {
    const ThreadScope scope(threads);
    CHECK(chunks_of(3, 13, 4) == expected);
    CHECK(chunks_of(5, 5, 4).empty());
    CHECK(chunks_of(5, 4, 4).empty());
    CHECK(chunks_of(0, 2, 0) == std::set<std::pair<std::int64_t, std::int64_t>>{{0, 1}, {1, 2}});
    CHECK(chunks_of(0, 5, 100) == std::set<std::pair<std::int64_t, std::int64_t>>{{0, 5}});
  }
}

TEST_CASE("every index is visited once", "[core]") {
  const ThreadScope scope(4);
  std::vector<std::atomic<int>> visits(1003);
  parallel_for(0, 1003, 7, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t k = first; k < last; ++k) ++visits[static_cast<std::size_t>(k)];
  });
  CHECK(std::all_of(visits.begin(), visits.end(), [](const auto& count) { return count == 1; }));
}

TEST_CASE("the exception of the lowest chunk wins on any thread count", "[core]") {
  for (const int threads : {1, 2, 4}) {
    const ThreadScope scope(threads);
    for (int repeat = 0; repeat < 20; ++repeat) {
      const Error error = test::error_of([] {
        parallel_for(0, 64, 1, [](std::int64_t chunk, std::int64_t) {
          if (chunk == 3) std::this_thread::sleep_for(std::chrono::microseconds(200));
          if (chunk % 10 == 3) fail(ErrorKind::input, "chunk {}", chunk);
        });
      });
      CHECK(error.message() == "chunk 3");
    }
  }
}

TEST_CASE("nested loops are serial and keep the outer thread index", "[core]") {
  const ThreadScope scope(3);
  std::atomic<int> wrong = 0;
  parallel_for(0, 12, 1, [&](std::int64_t, std::int64_t) {
    const auto thread = std::this_thread::get_id();
    const int index = thread_index();
    if (index < 0 || index >= num_threads()) ++wrong;
    std::int64_t next = 0;
    parallel_for(0, 10, 3, [&](std::int64_t first, std::int64_t last) {
      if (std::this_thread::get_id() != thread || thread_index() != index || first != next) ++wrong;
      next = last;
    });
  });
  CHECK(wrong == 0);
}

TEST_CASE("every task runs once, on one thread in order", "[core]") {
  for (const int threads : {1, 3}) {
    const ThreadScope scope(threads);
    std::mutex mutex;
    std::vector<std::int64_t> started;
    parallel_tasks(40, [&](std::int64_t task) {
      const std::lock_guard lock(mutex);
      started.push_back(task);
    });
    REQUIRE(started.size() == 40);
    if (threads == 1) CHECK(std::is_sorted(started.begin(), started.end()));
    CHECK(std::set<std::int64_t>(started.begin(), started.end()).size() == 40);
  }
}

TEST_CASE("the exception of the lowest task wins on any thread count", "[core]") {
  for (const int threads : {1, 2, 4}) {
    const ThreadScope scope(threads);
    const Error error = test::error_of([] {
      parallel_tasks(64, [](std::int64_t task) {
        if (task == 3) std::this_thread::sleep_for(std::chrono::microseconds(200));
        if (task % 10 == 3) fail(ErrorKind::input, "task {}", task);
      });
    });
    CHECK(error.message() == "task 3");
  }
}

TEST_CASE("the thread count is bounded", "[core]") {
  CHECK_ERROR(set_num_threads(-1), usage, "thread count -1");
  CHECK_ERROR(set_num_threads(5000), usage, "thread count 5000");
  {
    const ThreadScope scope(2);
    CHECK(num_threads() == 2);
  }
  CHECK(num_threads() >= 1);
}

}  // namespace nq
