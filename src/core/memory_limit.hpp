#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace nq {

/// Bytes that the process holds in memory now (resident set).
std::uint64_t resident_bytes();

/// Bytes that the process may still take: the least of what its control groups, the limits on its address space and
/// data (setrlimit), and the machine's available memory leave. Nothing where the system tells none of them.
std::optional<std::uint64_t> available_memory();

/// What the control group at `folder` and those around it, up to `root`, leave: memory.max less memory.current where
/// files of control groups version 2 say so. Nothing without a limit.
std::optional<std::uint64_t> control_group_memory(const std::filesystem::path& folder, const std::filesystem::path& root);

}  // namespace nq
