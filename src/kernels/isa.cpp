#include "kernels/isa.hpp"

#include <asm/prctl.h>
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/// AVX-VNNI: leaf 7, subleaf 1, EAX bit 4 (Intel 64 manual, CPUID); GCC 12 has no name for it.
bool runs_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1U << 4)) != 0;
}

/// AMX-TILE and AMX-INT8: leaf 7, EDX bits 24 and 25 (Intel 64 manual, CPUID). Linux lets the threads of a
/// process use the tiles once it has asked for their state (feature 18).
bool runs_amx() {
  constexpr unsigned bits = 3U << 24;
  constexpr long tile_data = 18;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & bits) == bits &&
         syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, tile_data) == 0;
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

/// A copy of `table` with another integer product.
KernelTable with_integers(const KernelTable& table, const char* name, void (*product)(const IntegerBlock&)) {
  KernelTable result = table;
  result.name = name;
  result.integer_block = product;
  return result;
}

}  // namespace

std::span<const KernelTable* const> runnable_tables() {
  static const KernelTable avx2_vnni = with_integers(avx2_table(), "avx2_vnni", &integer_block_avx2_vnni);
  static const KernelTable avx512_vnni =
      with_integers(avx512_table(), "avx512_vnni", &integer_block_avx512_vnni);
  static const KernelTable avx512_amx = with_integers(avx512_table(), "avx512_amx", &integer_block_avx512_amx);
  static const std::vector<const KernelTable*> tables = [] {
    std::vector<const KernelTable*> found{&portable_table()};
    if (!runs_avx2()) return found;
    found.push_back(&avx2_table());
    if (runs_avx_vnni()) found.push_back(&avx2_vnni);
    if (!runs_avx512()) return found;
    found.push_back(&avx512_table());
    if (__builtin_cpu_supports("avx512vnni") != 0) found.push_back(&avx512_vnni);
    if (runs_amx()) found.push_back(&avx512_amx);
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
