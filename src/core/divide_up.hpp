#pragma once

#include <cstdint>

namespace nq {

/// ceil(a / b) for a >= 0 and b > 0.
constexpr std::int64_t divide_up(std::int64_t a, std::int64_t b) noexcept { return (a + b - 1) / b; }

}  // namespace nq
