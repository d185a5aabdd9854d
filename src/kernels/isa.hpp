#pragma once

#include <span>

#include "kernels/isa/kernel_table.hpp"

namespace nq::kernels {

/// The kernel table in use: the widest one that this processor runs, or the one that the
/// environment variable NQ_ISA (portable, avx2, avx2_vnni, avx512, avx512_vnni, avx512_amx) names. Chosen once, at the
/// first call. Throws Error(usage) when NQ_ISA names a table that does not exist or cannot run here.
const KernelTable& active_table();

/// Every table that this processor can run, narrowest first.
std::span<const KernelTable* const> runnable_tables();

/// Makes `table` the active one; for tests that compare tables inside one process.
void use_table(const KernelTable& table) noexcept;

}  // namespace nq::kernels
