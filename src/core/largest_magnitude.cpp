#include "core/largest_magnitude.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace nq {

// The bits of absolute values are in the order of the values, with NaN beyond infinity, and as integers their maximum needs
// no order of evaluation, so that it vectorizes.
float largest_magnitude(std::span<const float> values) noexcept {
  constexpr std::int32_t kInfinity = std::bit_cast<std::int32_t>(std::numeric_limits<float>::infinity());
  std::int32_t largest = 0;
  for (const float value : values) largest = std::max(largest, std::bit_cast<std::int32_t>(std::fabs(value)));
  return std::bit_cast<float>(std::min(largest, kInfinity));
}

}  // namespace nq
