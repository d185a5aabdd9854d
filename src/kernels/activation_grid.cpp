#include "kernels/activation_grid.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "kernels/isa.hpp"

namespace nq::kernels {
namespace {

std::int32_t storage_shift(const ActivationGrid& grid) noexcept { return grid.qmin < 0 ? 128 : 0; }

}  // namespace

std::int32_t stored_zero(const ActivationGrid& grid) noexcept { return grid.zero_point + storage_shift(grid); }

QuantizeRow stored_quantizer(const ActivationGrid& grid) {
  const std::int32_t shift = storage_shift(grid);
  NQ_ASSERT(grid.qmin + shift >= 0 && grid.qmax + shift <= 255 && grid.qmin <= grid.qmax);
  return {grid.scale, static_cast<float>(grid.zero_point + shift), static_cast<float>(grid.qmin + shift),
          static_cast<float>(grid.qmax + shift)};
}

void quantize_rows(const QuantizeRow& grid, const float* x, std::int64_t stride, std::int64_t rows, std::int64_t cols,
                   std::uint8_t* codes, std::int64_t width) {
  const KernelTable& table = active_table();
  for (std::int64_t row = 0; row < rows; ++row) {
    std::uint8_t* const target = codes + row * width;
    table.quantize(grid, x + row * stride, target, cols);
    std::fill(target + cols, target + width, std::uint8_t{0});
  }
}

}  // namespace nq::kernels
