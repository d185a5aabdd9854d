#pragma once

// Register-tiled integer product of one block. Include after exactly one lanes_*.hpp and one
// integers_*.hpp.

#include "kernels/isa/integer_epilogue.hpp"
#include "kernels/isa/tiling.hpp"
#include "kernels/isa/transpose.hpp"

namespace nq::kernels {
namespace {

/// One register tile: sums of Rows x (16 * Vectors) over all steps, into `tile`.
///
/// A is packed as [steps][Rows][4], B is one panel [steps][kPanelColumns][4]. Every other step fetches a cache line from
/// `ahead` on: a quarter of the panel that comes next.
template <int Rows, int Vectors>
void multiply_integer_tile(std::int64_t steps, const std::uint8_t* a, const std::int8_t* b, std::int32_t* tile,
                           const std::int8_t* ahead) {
  IntegerLanes acc[Rows][Vectors];
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; ++vector) acc[row][vector] = integer_zero();
  }
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
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; ++vector) {
      store(tile + row * kPanelColumns + 16 * vector, acc[row][vector]);
    }
  }
}

using IntegerTileFunction = void (*)(std::int64_t, const std::uint8_t*, const std::int8_t*, std::int32_t*, const std::int8_t*);

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

inline void multiply_integer_rows(const IntegerBlock& g, const IntegerTiles& tiles, std::int64_t row0,
                                  std::int64_t rows) {
  const std::int64_t tile_count = pieces(rows, kIntegerRows);
  for (std::int64_t col0 = 0; col0 < g.cols; col0 += kPanelColumns) {
    const std::int64_t panel_cols = g.cols - col0 < kPanelColumns ? g.cols - col0 : kPanelColumns;
    const std::int8_t* panel = g.b + col0 * g.steps * 4;
    const std::int8_t* next = col0 + kPanelColumns < g.cols ? panel + g.steps * 4 * kPanelColumns : panel;
    for (std::int64_t index = 0; index < tile_count; ++index) {
      const std::int64_t first = rows * index / tile_count;
      const std::int64_t count = rows * (index + 1) / tile_count - first;
      for (std::int64_t offset = 0; offset < panel_cols; offset += 16 * kIntegerVectors) {
        const std::int64_t left = panel_cols - offset;
        const std::int64_t cols = left < 16 * kIntegerVectors ? left : 16 * kIntegerVectors;
        std::int32_t tile[kIntegerRows * kPanelColumns];
        tiles.by_size[count - 1][cols > 16 ? 1 : 0](g.steps, g.pack + first * g.steps * 4, panel + offset * 4,
                                                    tile, next + index % 4 * (g.steps / 4) * 4 * kPanelColumns);
        finish_integer_tile(g, {tile, row0 + first, count, col0 + offset, cols});
      }
    }
  }
}

void integer_block(const IntegerBlock& g) {
  static const IntegerTiles tiles;
  const std::int64_t row_blocks = pieces(g.rows, kRowBlock);
  for (std::int64_t block = 0; block < row_blocks; ++block) {
    const std::int64_t row0 = g.rows * block / row_blocks;
    const std::int64_t rows = g.rows * (block + 1) / row_blocks - row0;
    const std::int64_t tile_count = pieces(rows, kIntegerRows);
    for (std::int64_t tile = 0; tile < tile_count; ++tile) {
      const std::int64_t first = rows * tile / tile_count;
      const std::int64_t count = rows * (tile + 1) / tile_count - first;
      // Groups of four bytes travel through the float transpose as plain 32-bit words.
      transpose_rows(reinterpret_cast<const float*>(g.a + (row0 + first) * g.a_stride), g.a_stride / 4, count,
                     g.steps, reinterpret_cast<float*>(g.pack + first * g.steps * 4), count);
    }
    multiply_integer_rows(g, tiles, row0, rows);
  }
}

}  // namespace
}  // namespace nq::kernels
