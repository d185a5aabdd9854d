#pragma once

// Register-tiled integer product of one block. Include after exactly one lanes_*.hpp and one
// integers_*.hpp.

#include "kernels/isa/integer_epilogue.hpp"
#include "kernels/isa/tiling.hpp"
#include "kernels/isa/transpose.hpp"

namespace nq::kernels {
namespace {

/// What one register tile is made of: A packed as [steps][rows][4], B one panel, [steps][kPanelColumns][4].
struct IntegerProduct {
  std::int64_t steps = 0;
  const std::uint8_t* a = nullptr;
  const std::int8_t* b = nullptr;
  const std::int8_t* ahead = nullptr;  ///< bytes that come next: `steps` / 4 rows of a panel
  std::int32_t* sums = nullptr;        ///< [rows, kPanelColumns], or null: `c` receives what the sums stand for
  float* c = nullptr;                  ///< element (row, col) at row * c_stride + col
  std::int64_t c_stride = 0;
  const std::int32_t* offset = nullptr;  ///< of the tile's columns
  const float* scale = nullptr;          ///< likewise
  const float* bias = nullptr;           ///< likewise, may be null
  const float* residual = nullptr;       ///< of the tile's elements, may be null
  std::int64_t residual_stride = 0;
};

/// (sums - offset) * scale + bias + residual of one register tile.
template <int Rows, int Vectors>
inline void store_outputs(const IntegerLanes (&acc)[Rows][Vectors], const IntegerProduct& p) {
#pragma GCC unroll 2
  for (int vector = 0; vector < Vectors; ++vector) {
    const std::int64_t at = 16 * vector;
    const Lanes scale = load(p.scale + at);
    const Lanes bias = p.bias == nullptr ? splat(0.0F) : load(p.bias + at);
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
      Lanes value = add(mul(to_floats(acc[row][vector], p.offset + at), scale), bias);
      if (p.residual != nullptr) value = add(value, load(p.residual + row * p.residual_stride + at));
      store(p.c + row * p.c_stride + at, value);
    }
  }
}

/// One register tile: Rows x (16 * Vectors) sums over all steps. Every other step fetches a cache line from `ahead` on: a
/// quarter of the panel that comes next.
template <int Rows, int Vectors>
void multiply_integer_tile(const IntegerProduct& p) {
  IntegerLanes acc[Rows][Vectors];
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; ++vector) acc[row][vector] = integer_zero();
  }
  const std::uint8_t* a = p.a;
  const std::int8_t* b = p.b;
  const std::int8_t* const ahead = p.ahead;
  const std::int64_t steps = p.steps;
  for (std::int64_t step = 0; step < steps; ++step) {
    if (step % 2 == 0) __builtin_prefetch(ahead + step / 2 * 64, 0, 2);
    ColumnBytes columns[Vectors];
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; ++vector) columns[vector] = load_columns(b + 64 * vector);
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
      const RowBytes bytes = load_row(a + 4 * row);
#pragma GCC unroll 2
      for (int vector = 0; vector < Vectors; ++vector) {
        acc[row][vector] = dot(acc[row][vector], bytes, columns[vector]);
      }
    }
    a += 4 * Rows;
    b += 4 * kPanelColumns;
  }
  if (p.sums == nullptr) {
    store_outputs(acc, p);
    return;
  }
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; ++vector) {
      store(p.sums + row * kPanelColumns + 16 * vector, acc[row][vector]);
    }
  }
}

using IntegerTileFunction = void (*)(const IntegerProduct&);

/// Tile functions by [rows - 1][vectors - 1].
struct IntegerTiles {
  IntegerTileFunction by_size[kIntegerRows][2];
  IntegerTiles() { fill<kIntegerRows>(); }

 private:
  template <int Rows>
  void fill() {
    by_size[Rows - 1][0] = &multiply_integer_tile<Rows, 1>;
    by_size[Rows - 1][1] = &multiply_integer_tile<Rows, kIntegerVectors>;
    if constexpr (Rows > 1) fill<Rows - 1>();
  }
};

/// One packed row block times all panels.
inline void multiply_integer_rows(const IntegerBlock& g, const IntegerTiles& tiles, std::int64_t row0,
                                  std::int64_t rows) {
  const bool is_linear = g.sums == nullptr && g.activation == Activation::none;
  std::int32_t sums[kIntegerRows * kPanelColumns];
  IntegerProduct product;
  product.steps = g.steps;
  product.c_stride = g.c_stride;
  product.residual_stride = g.residual_stride;
  for (std::int64_t col0 = 0; col0 < g.cols; col0 += kPanelColumns) {
    const std::int64_t panel_cols = g.cols - col0 < kPanelColumns ? g.cols - col0 : kPanelColumns;
    const std::int8_t* panel = g.b + col0 * g.steps * 4;
    const std::int8_t* next = col0 + kPanelColumns < g.cols ? panel + g.steps * 4 * kPanelColumns : panel;
    for_each_piece(rows, kIntegerRows, [&](std::int64_t index, std::int64_t first, std::int64_t count) {
      const std::int64_t row = row0 + first;
      product.a = g.pack + first * g.steps * 4;
      product.ahead = next + index % 4 * (g.steps / 4) * 4 * kPanelColumns;
      for (std::int64_t offset = 0; offset < panel_cols; offset += 16 * kIntegerVectors) {
        const std::int64_t left = panel_cols - offset;
        const std::int64_t cols = left < 16 * kIntegerVectors ? left : 16 * kIntegerVectors;
        const std::int64_t col = col0 + offset;
        const IntegerTileFunction multiply = tiles.by_size[count - 1][cols > 16 ? 1 : 0];
        product.b = panel + offset * 4;
        if (is_linear && cols % 16 == 0) {
          product.sums = nullptr;
          product.c = g.c + row * g.c_stride + col;
          product.offset = g.offset + col;
          product.scale = g.scale + col;
          product.bias = g.bias == nullptr ? nullptr : g.bias + col;
          product.residual = g.residual == nullptr ? nullptr : g.residual + row * g.residual_stride + col;
          multiply(product);
        } else {
          product.sums = sums;
          multiply(product);
          finish_integer_tile(g, {sums, row, count, col, cols});
        }
      }
    });
  }
}

void integer_block(const IntegerBlock& g) {
  static const IntegerTiles tiles;
  for_each_piece(g.rows, kWholeTileRows, [&](std::int64_t, std::int64_t row0, std::int64_t rows) {
    for_each_piece(rows, kIntegerRows, [&](std::int64_t, std::int64_t first, std::int64_t count) {
      // Groups of four bytes travel through the float transpose as plain 32-bit words.
      transpose_rows(reinterpret_cast<const float*>(g.a + (row0 + first) * g.a_stride), g.a_stride / 4, count,
                     g.steps, reinterpret_cast<float*>(g.pack + first * g.steps * 4), count);
    });
    multiply_integer_rows(g, tiles, row0, rows);
  });
}

}  // namespace
}  // namespace nq::kernels
