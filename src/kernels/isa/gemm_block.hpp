#pragma once

// Register-tiled product of one block. Include after exactly one lanes_*.hpp.

#include "kernels/isa/lane_math.hpp"
#include "kernels/isa/tiling.hpp"
#include "kernels/isa/transpose.hpp"

namespace nq::kernels {
namespace {

/// One register tile: Rows x (16 * Vectors) accumulators over `depth` steps.
///
/// A is packed as [depth][Rows]; B is one panel, [depth][kPanelColumns]. The partial chain goes
/// through `tile` (stride kPanelColumns) between depth blocks, which keeps its bits. Every other step
/// fetches a cache line from `ahead` on: a quarter of the panel that comes next, since weights of large
/// layers come from beyond the caches.
template <int Rows, int Vectors>
void multiply_tile(std::int64_t depth, const float* a, const float* b, float* tile, std::int64_t stride,
                   bool resume, const float* ahead) {
  Lanes acc[Rows][Vectors];
  if (resume) {
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
      for (int vector = 0; vector < Vectors; ++vector)
        acc[row][vector] = load(tile + row * stride + 16 * vector);
    }
  } else {
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
      for (int vector = 0; vector < Vectors; ++vector) acc[row][vector] = splat(0.0F);
    }
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    if (k % 2 == 0) __builtin_prefetch(ahead + k / 2 * 16, 0, 2);
    Lanes column[Vectors];
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; ++vector) column[vector] = load(b + 16 * vector);
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
      const Lanes value = splat(a[row]);
#pragma GCC unroll 2
      for (int vector = 0; vector < Vectors; ++vector) {
        acc[row][vector] = fma(value, column[vector], acc[row][vector]);
      }
    }
    a += Rows;
    b += kPanelColumns;
  }
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; ++vector)
      store(tile + row * stride + 16 * vector, acc[row][vector]);
  }
}

using TileFunction = void (*)(std::int64_t, const float*, const float*, float*, std::int64_t, bool, const float*);

/// Tile functions by [rows - 1][vectors - 1].
template <int Rows>
struct TileTable {
  static void fill(TileFunction (*table)[2]) {
    TileTable<Rows - 1>::fill(table);
    table[Rows - 1][0] = &multiply_tile<Rows, 1>;
    table[Rows - 1][1] = &multiply_tile<Rows, kTileVectors>;
  }
};
template <>
struct TileTable<0> {
  static void fill(TileFunction (*)[2]) {}
};
struct Tiles {
  TileFunction by_size[kTileRows][2];
  Tiles() { TileTable<kTileRows>::fill(by_size); }
};

/// Packs rows x depth of A as [depth][rows]; tiles are packed in rising order, since a vector store
/// may reach into the next one.
inline void pack_rows(const float* a, std::int64_t row_stride, std::int64_t depth_stride, std::int64_t rows,
                      std::int64_t depth, float* packed) {
  if (depth_stride == 1) {
    transpose_rows(a, row_stride, rows, depth, packed, rows);
    return;
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t row = 0; row < rows; ++row)
      packed[k * rows + row] = a[row * row_stride + k * depth_stride];
  }
}

/// Applies the epilogue to finished chains in `tile` and writes them to C.
inline void finish_tile(const GemmBlock& g, const float* tile, std::int64_t stride, std::int64_t row0,
                        std::int64_t rows, std::int64_t col0, std::int64_t cols) {
  const Lanes alpha = splat(g.alpha);
  for (std::int64_t col = 0; col < cols; col += 16) {
    const std::int64_t used = cols - col < 16 ? cols - col : 16;
    const float* bias = g.bias == nullptr ? nullptr : g.bias + col0 + col;
    const Lanes shift = bias == nullptr ? splat(0.0F) : load_part(bias, used, 0.0F);
    for (std::int64_t row = 0; row < rows; ++row) {
      Lanes value = load(tile + row * stride + col);
      if (g.alpha != 1.0F) value = mul(value, alpha);
      if (bias != nullptr) value = add(value, shift);
      if (g.row_bias != nullptr) value = add(value, splat(g.row_bias[row0 + row]));
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

struct DepthRange {
  std::int64_t begin, size;
  bool is_first, is_last;
};

/// One packed row block times all panels, for one depth range.
inline void multiply_rows(const GemmBlock& g, const Tiles& tiles, std::int64_t row0, std::int64_t rows,
                          const DepthRange& range) {
  const std::int64_t tile_count = pieces(rows, kTileRows);
  const bool needs_finish = g.alpha != 1.0F || g.bias != nullptr || g.row_bias != nullptr ||
                            g.residual != nullptr || g.activation != Activation::none;
  for (std::int64_t col0 = 0; col0 < g.cols; col0 += kPanelColumns) {
    const std::int64_t panel_cols = g.cols - col0 < kPanelColumns ? g.cols - col0 : kPanelColumns;
    const float* panel = g.b + col0 * g.depth + range.begin * kPanelColumns;
    const float* next = col0 + kPanelColumns < g.cols ? panel + kPanelColumns * g.depth : panel;
    for (std::int64_t index = 0; index < tile_count; ++index) {
      const std::int64_t first = rows * index / tile_count;
      const std::int64_t count = rows * (index + 1) / tile_count - first;
      const float* a = g.pack + first * range.size;
      for (std::int64_t offset = 0; offset < panel_cols; offset += 16 * kTileVectors) {
        const std::int64_t cols =
            panel_cols - offset < 16 * kTileVectors ? panel_cols - offset : 16 * kTileVectors;
        const TileFunction multiply = tiles.by_size[count - 1][cols > 16 ? 1 : 0];
        const std::int64_t at = row0 + first;
        float* c = g.c + at * g.c_stride + col0 + offset;
        // Whole vectors accumulate in C itself; a ragged right edge goes through a small tile.
        const bool in_place = cols % 16 == 0;
        float edge[kTileRows * kPanelColumns];
        float* tile = in_place ? c : edge;
        const std::int64_t stride = in_place ? g.c_stride : kPanelColumns;
        if (!in_place && !range.is_first) {
          for (std::int64_t row = 0; row < count; ++row) {
            for (std::int64_t col = 0; col < cols; ++col)
              edge[row * stride + col] = c[row * g.c_stride + col];
            for (std::int64_t col = cols; col < kPanelColumns; ++col) edge[row * stride + col] = 0.0F;
          }
        }
        multiply(range.size, a, panel + offset, tile, stride, !range.is_first, next + index % 4 * (range.size / 4) * kPanelColumns);
        if (range.is_last && (needs_finish || !in_place)) {
          finish_tile(g, tile, stride, at, count, col0 + offset, cols);
        } else if (!in_place) {
          for (std::int64_t row = 0; row < count; ++row) {
            for (std::int64_t col = 0; col < cols; ++col)
              c[row * g.c_stride + col] = edge[row * stride + col];
          }
        }
      }
    }
  }
}

void gemm_block(const GemmBlock& g) {
  static const Tiles tiles;
  const std::int64_t row_blocks = pieces(g.rows, kRowBlock);
  const std::int64_t depth_blocks = pieces(g.depth, kDepthBlock);
  for (std::int64_t block = 0; block < row_blocks; ++block) {
    // Equal blocks in whole tiles, so that no block is left with a thin remainder.
    const std::int64_t row0 = g.rows * block / row_blocks;
    const std::int64_t rows = g.rows * (block + 1) / row_blocks - row0;
    for (std::int64_t index = 0; index < depth_blocks; ++index) {
      const std::int64_t begin = g.depth * index / depth_blocks;
      const std::int64_t size = g.depth * (index + 1) / depth_blocks - begin;
      const std::int64_t tile_count = pieces(rows, kTileRows);
      for (std::int64_t tile = 0; tile < tile_count; ++tile) {
        const std::int64_t first_row = rows * tile / tile_count;
        const std::int64_t count = rows * (tile + 1) / tile_count - first_row;
        pack_rows(g.a + (row0 + first_row) * g.a_row_stride + begin * g.a_depth_stride, g.a_row_stride,
                  g.a_depth_stride, count, size, g.pack + first_row * size);
      }
      multiply_rows(g, tiles, row0, rows, {begin, size, index == 0, index == depth_blocks - 1});
    }
  }
}

}  // namespace
}  // namespace nq::kernels
