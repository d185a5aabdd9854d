#pragma once

// What follows the sums of an integer product. Include after exactly one lanes_*.hpp.

#include "kernels/isa/lane_math.hpp"
#include "kernels/isa/tiling.hpp"

namespace nq::kernels {
namespace {

/// Turns the sums of one tile [rows, kPanelColumns] into outputs.
inline void finish_integer_tile(const IntegerBlock& g, const std::int32_t* tile, std::int64_t row0,
                                std::int64_t rows, std::int64_t col0, std::int64_t cols) {
  if (g.sums != nullptr) {
    for (std::int64_t row = 0; row < rows; ++row) {
      std::int32_t* target = g.sums + (row0 + row) * g.c_stride + col0;
      for (std::int64_t col = 0; col < cols; ++col) {
        target[col] = tile[row * kPanelColumns + col] - g.offset[col0 + col];
      }
    }
    return;
  }
  for (std::int64_t col = 0; col < cols; col += 16) {
    const std::int64_t used = cols - col < 16 ? cols - col : 16;
    const std::int32_t* offset = g.offset + col0 + col;
    const Lanes scale = load(g.scale + col0 + col);
    const Lanes shift = g.bias == nullptr ? splat(0.0F) : load_part(g.bias + col0 + col, used, 0.0F);
    for (std::int64_t row = 0; row < rows; ++row) {
      std::int32_t sums[16];
      for (int lane = 0; lane < 16; ++lane)
        sums[lane] = tile[row * kPanelColumns + col + lane] - offset[lane];
      Lanes value = add(mul(load_integers(sums), scale), shift);
      value = activate(value, g.activation);
      if (g.residual != nullptr) {
        const float* residual = g.residual + (row0 + row) * g.residual_stride + col0 + col;
        value = add(value, used == 16 ? load(residual) : load_part(residual, used, 0.0F));
      }
      float* target = g.c + (row0 + row) * g.c_stride + col0 + col;
      if (used == 16) {
        store(target, value);
      } else {
        store_part(target, value, used);
      }
    }
  }
}

}  // namespace
}  // namespace nq::kernels
