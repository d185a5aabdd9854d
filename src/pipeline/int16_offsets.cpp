#include "pipeline/int16_offsets.hpp"

#include <algorithm>
#include <cmath>

namespace nq {

float int16_scale(const std::vector<float>& values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  // The least normal number keeps the quotient finite.
  return largest > 0 ? std::max(largest / 32767.0F, 1.17549435e-38F) : 1.0F;
}

std::vector<std::int16_t> int16_codes(const std::vector<float>& values, float scale) {
  std::vector<std::int16_t> codes;
  for (const float value : values) {
    codes.push_back(static_cast<std::int16_t>(std::clamp(std::nearbyint(value / scale), -32767.0F, 32767.0F)));
  }
  return codes;
}

std::vector<float> int16_rounded(const std::vector<float>& values) {
  const float scale = int16_scale(values);
  std::vector<float> rounded;
  for (const std::int16_t code : int16_codes(values, scale)) rounded.push_back(static_cast<float>(code) * scale);
  return rounded;
}

}  // namespace nq
