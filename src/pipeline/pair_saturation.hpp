#pragma once

#include <cstdint>
#include <vector>

namespace nq {

/// Codes of the left operand as x86 sees them: unsigned bytes.
struct ByteRange {
  std::int64_t low = 0;
  std::int64_t high = 255;
};

/// Largest magnitude of a[2k] w[2k] + a[2k+1] w[2k+1] over all columns of `weight` [rows, columns], all k and all bytes
/// a in the range: what VPMADDUBSW has to hold in 16 bits. A last row without partner stands alone.
std::int64_t largest_pair_sum(const std::vector<std::int8_t>& weight, std::int64_t rows, std::int64_t columns, ByteRange range);

/// Sums of this magnitude fit 16 bits.
inline constexpr std::int64_t kLargestPairSum = 32767;

}  // namespace nq
