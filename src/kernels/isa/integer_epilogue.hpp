#pragma once

// What follows the sums of an integer product. Include after exactly one lanes_*.hpp.

#include "kernels/isa/lane_math.hpp"
#include "kernels/isa/tiling.hpp"

namespace nq::kernels {
namespace {

/// A rectangle of the block and its sums, [rows, kPanelColumns].
struct IntegerTile {
  const std::int32_t* sums;
  std::int64_t row0, rows, col0, cols;
};

inline void store_sums(const IntegerBlock& g, const IntegerTile& tile) {
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    std::int32_t* target = g.sums + (tile.row0 + row) * g.c_stride + tile.col0;
    for (std::int64_t col = 0; col < tile.cols; ++col) {
      target[col] = tile.sums[row * kPanelColumns + col] - g.offset[tile.col0 + col];
    }
  }
}

/// Up to sixteen columns of a tile.
template <Activation activation>
void finish_columns(const IntegerBlock& g, const IntegerTile& tile, std::int64_t col, std::int64_t used) {
  const std::int64_t at = tile.col0 + col;
  const Lanes scale = load(g.scale + at);
  const Lanes bias = g.bias == nullptr ? splat(0.0F) : load_part(g.bias + at, used, 0.0F);
  for (std::int64_t row = 0; row < tile.rows; ++row) {
    const Lanes sums = load_differences(tile.sums + row * kPanelColumns + col, g.offset + at);
    const Lanes value = add(mul(sums, scale), bias);
    const float* residual = g.residual == nullptr ? nullptr : g.residual + (tile.row0 + row) * g.residual_stride + at;
    write_columns<activation>(value, residual, g.c + (tile.row0 + row) * g.c_stride + at, used);
  }
}

/// Turns the sums of one tile into outputs.
inline void finish_integer_tile(const IntegerBlock& g, const IntegerTile& tile) {
  if (g.sums != nullptr) {
    store_sums(g, tile);
    return;
  }
  with_activation(g.activation, [&](auto activation) {
    for (std::int64_t col = 0; col < tile.cols; col += 16) {
      const std::int64_t used = tile.cols - col < 16 ? tile.cols - col : 16;
      finish_columns<decltype(activation)::kValue>(g, tile, col, used);
    }
  });
}

}  // namespace
}  // namespace nq::kernels
