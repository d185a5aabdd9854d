#include "kernels/activation_grid.hpp"

#include "core/check.hpp"

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

}  // namespace nq::kernels
