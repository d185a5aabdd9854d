#pragma once

#include <span>

namespace nq {

/// Largest absolute value, 0 of none; infinity when a value is no number.
float largest_magnitude(std::span<const float> values) noexcept;

}  // namespace nq
