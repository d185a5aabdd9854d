#include "kernels/isa.hpp"

#include <atomic>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/check.hpp"

namespace nq::kernels {
namespace {

bool runs_avx2() { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0; }

bool runs_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512cd") != 0;
}

const KernelTable* choose() {
  const auto tables = runnable_tables();
  const char* wanted = std::getenv("NQ_ISA");
  if (wanted == nullptr || *wanted == '\0') return tables.back();
  for (const KernelTable* table : tables) {
    if (std::string_view(table->name) == wanted) return table;
  }
  fail(ErrorKind::usage, "NQ_ISA={} names no kernel set that this processor runs", wanted);
}

std::atomic<const KernelTable*> active{nullptr};

}  // namespace

std::span<const KernelTable* const> runnable_tables() {
  static const std::vector<const KernelTable*> tables = [] {
    std::vector<const KernelTable*> found{&portable_table()};
    if (runs_avx2()) found.push_back(&avx2_table());
    if (runs_avx2() && runs_avx512()) found.push_back(&avx512_table());
    return found;
  }();
  return tables;
}

const KernelTable& active_table() {
  const KernelTable* table = active.load(std::memory_order_acquire);
  if (table == nullptr) {
    table = choose();
    active.store(table, std::memory_order_release);
  }
  return *table;
}

void use_table(const KernelTable& table) noexcept { active.store(&table, std::memory_order_release); }

}  // namespace nq::kernels
