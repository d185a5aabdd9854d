#include "pipeline/pair_saturation.hpp"

#include <algorithm>

namespace nq {

std::int64_t largest_pair_sum(const std::vector<std::int8_t>& weight, std::int64_t rows, std::int64_t columns, ByteRange range) {
  std::int64_t largest = 0;
  for (std::int64_t row = 0; row < rows; row += 2) {
    for (std::int64_t column = 0; column < columns; ++column) {
      std::int64_t high = 0;
      std::int64_t low = 0;
      for (std::int64_t k = row; k < std::min(row + 2, rows); ++k) {
        const std::int64_t w = weight[static_cast<std::size_t>(k * columns + column)];
        high += std::max(w * range.high, w * range.low);
        low += std::min(w * range.high, w * range.low);
      }
      largest = std::max({largest, high, -low});
    }
  }
  return largest;
}

}  // namespace nq
