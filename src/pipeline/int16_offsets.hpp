#pragma once

#include <cstdint>
#include <vector>

namespace nq {

/// Scale that maps the largest magnitude to 32767; 1 for zeros.
float int16_scale(const std::vector<float>& values);

/// round_half_even(value / scale), clamped to 16 bits.
std::vector<std::int16_t> int16_codes(const std::vector<float>& values, float scale);

/// code * scale in float32: the values that a file with int16 codes stands for.
std::vector<float> int16_rounded(const std::vector<float>& values);

}  // namespace nq
