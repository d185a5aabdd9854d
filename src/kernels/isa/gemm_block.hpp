#pragma once

// Register-tiled product of one block. Include after exactly one lanes_*.hpp.

#include "kernels/isa/lane_math.hpp"
#include "kernels/isa/tiling.hpp"
#include "kernels/isa/transpose.hpp"

namespace nq::kernels {
namespace {

static_assert(kPackedRows % kTileRows == 0 && kPackedRows * kDepthBlock + 16 <= kPackFloats);

/// What one register tile is made of: A packed as [depth][rows] or as it is, [rows][depth] with rows `a_stride` apart; B one
/// panel, [depth][kPanelColumns].
struct TileProduct {
  std::int64_t depth = 0;
  const float* a = nullptr;
  std::int64_t a_stride = 0;
  const float* b = nullptr;
  const float* ahead = nullptr;  ///< floats that come next: `depth` / 4 rows of a panel
  float* tile = nullptr;         ///< element (row, col) at row * stride + col
  std::int64_t stride = 0;
  const float* chains = nullptr;  ///< those of the depth before, as `tile` is laid out; null at the beginning
  std::int64_t chain_stride = 0;
  const float* bias = nullptr;      ///< of the tile's columns, may be null
  const float* residual = nullptr;  ///< of the tile's elements, may be null
  std::int64_t residual_stride = 0;
};

template <int Rows, int Vectors, typename Finish>
inline void store_tile(const Lanes (&acc)[Rows][Vectors], const TileProduct& p, Finish finish) {
#pragma GCC unroll 16
  for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; ++vector)
      store(p.tile + row * p.stride + 16 * vector, finish(acc[row][vector], row, vector));
  }
}

/// One register tile: Rows x (16 * Vectors) accumulators over the depth, and bias and residual on their way out.
///
/// The partial chain goes through the tile between depth blocks, which keeps its bits. Every other step
/// fetches a cache line from `ahead` on: a quarter of the panel that comes next, since weights of large
/// layers come from beyond the caches.
template <int Rows, int Vectors, bool IsPacked>
void multiply_tile(const TileProduct& p) {
  Lanes acc[Rows][Vectors];
  if (p.chains != nullptr) {
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
      for (int vector = 0; vector < Vectors; ++vector)
        acc[row][vector] = load(p.chains + row * p.chain_stride + 16 * vector);
    }
  } else {
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 2
      for (int vector = 0; vector < Vectors; ++vector) acc[row][vector] = splat(0.0F);
    }
  }
  // Unpacked rows are reached from two of them: one register each would be more than there are.
  constexpr int kNear = Rows < 7 ? Rows : 7;
  const std::int64_t a_stride = p.a_stride;
  const float* a = p.a;
  const float* far = a + kNear * a_stride;
  const float* b = p.b;
  const float* const ahead = p.ahead;
  const std::int64_t depth = p.depth;
  for (std::int64_t k = 0; k < depth; ++k) {
    if (k % 2 == 0) __builtin_prefetch(ahead + k / 2 * 16, 0, 2);
    Lanes column[Vectors];
#pragma GCC unroll 2
    for (int vector = 0; vector < Vectors; ++vector) column[vector] = load(b + 16 * vector);
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
      const Lanes value = splat(IsPacked ? a[row] : row < kNear ? a[row * a_stride] : far[(row - kNear) * a_stride]);
#pragma GCC unroll 2
      for (int vector = 0; vector < Vectors; ++vector) {
        acc[row][vector] = fma(value, column[vector], acc[row][vector]);
      }
    }
    a += IsPacked ? Rows : 1;
    ++far;
    b += kPanelColumns;
  }
  if (p.bias == nullptr && p.residual == nullptr) {
    store_tile(acc, p, [](Lanes value, int, int) { return value; });
    return;
  }
  Lanes shift[Vectors];
  // Minus zero leaves every value as it is.
#pragma GCC unroll 2
  for (int vector = 0; vector < Vectors; ++vector)
    shift[vector] = p.bias == nullptr ? splat(-0.0F) : load(p.bias + 16 * vector);
  if (p.residual == nullptr) {
    store_tile(acc, p, [&](Lanes value, int, int vector) { return add(value, shift[vector]); });
  } else {
    store_tile(acc, p, [&](Lanes value, int row, int vector) {
      return add(add(value, shift[vector]), load(p.residual + row * p.residual_stride + 16 * vector));
    });
  }
}

using TileFunction = void (*)(const TileProduct&);

/// Tile functions by [rows - 1][vectors - 1].
struct Tiles {
  TileFunction packed[kTileRows][2];
  TileFunction unpacked[kTileRows][2];
  Tiles() { fill<kTileRows>(); }

 private:
  template <int Rows>
  void fill() {
    packed[Rows - 1][0] = &multiply_tile<Rows, 1, true>;
    packed[Rows - 1][1] = &multiply_tile<Rows, kTileVectors, true>;
    unpacked[Rows - 1][0] = &multiply_tile<Rows, 1, false>;
    unpacked[Rows - 1][1] = &multiply_tile<Rows, kTileVectors, false>;
    if constexpr (Rows > 1) fill<Rows - 1>();
  }
};

/// Whether the rows of A are packed: for few panels that costs more than it saves, unless the rows of a tile share too few
/// lines of the first cache, where each would push out the others.
inline bool packs(const GemmBlock& g) {
  constexpr std::int64_t few_panels = 12;
  constexpr std::int64_t page = 4096 / sizeof(float);
  return g.a_depth_stride != 1 || g.cols > few_panels * kPanelColumns || g.a_row_stride % page == 0;
}

/// Packs rows x depth of A as [depth][rows]; tiles are packed in rising order, since a vector store
/// may reach into the next one.
inline void pack_rows(const float* a, std::int64_t row_stride, std::int64_t depth_stride, std::int64_t rows,
                      std::int64_t depth, float* packed) {
  if (depth_stride == 1) {
    transpose_rows(a, row_stride, rows, depth, packed, rows);
    return;
  }
  if (row_stride == 1) {
    for (std::int64_t k = 0; k < depth; ++k)
      store(packed + k * rows, load_part(a + k * depth_stride, rows, 0.0F));
    return;
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    for (std::int64_t row = 0; row < rows; ++row)
      packed[k * rows + row] = a[row * row_stride + k * depth_stride];
  }
}

/// Columns [col, col + cols) of C in `rows` rows from `row` on.
struct TilePlace {
  std::int64_t row, rows, col, cols;
};

/// Up to sixteen columns of finished chains in `tile`.
template <Activation activation>
void finish_columns(const GemmBlock& g, const float* tile, std::int64_t stride, const TilePlace& at, std::int64_t offset) {
  const std::int64_t used = at.cols - offset < 16 ? at.cols - offset : 16;
  const std::int64_t col = at.col + offset;
  const Lanes alpha = splat(g.alpha);
  // Minus zero leaves every value as it is.
  const Lanes shift = g.bias == nullptr ? splat(-0.0F) : load_part(g.bias + col, used, 0.0F);
  for (std::int64_t row = 0; row < at.rows; ++row) {
    Lanes value = add(mul(load(tile + row * stride + offset), alpha), shift);
    if (g.row_bias != nullptr) value = add(value, splat(g.row_bias[at.row + row]));
    const float* residual = g.residual == nullptr ? nullptr : g.residual + (at.row + row) * g.residual_stride + col;
    write_columns<activation>(value, residual, g.c + (at.row + row) * g.c_stride + col, used);
  }
}

/// Applies the epilogue to finished chains in `tile` and writes them to C.
inline void finish_tile(const GemmBlock& g, const float* tile, std::int64_t stride, const TilePlace& at) {
  with_activation(g.activation, [&](auto activation) {
    for (std::int64_t offset = 0; offset < at.cols; offset += 16)
      finish_columns<decltype(activation)::kValue>(g, tile, stride, at, offset);
  });
}

struct DepthRange {
  std::int64_t begin, size;
  bool is_first, is_last;
};

/// How a finished chain becomes an element of C.
enum class Finish : std::uint8_t {
  plain,         ///< as it is
  in_registers,  ///< with bias and residual, in the register tile
  in_memory,     ///< by finish_tile
};

inline Finish how_to_finish(const GemmBlock& g) {
  if (g.alpha != 1.0F || g.row_bias != nullptr || g.activation != Activation::none) return Finish::in_memory;
  return g.bias != nullptr || g.residual != nullptr ? Finish::in_registers : Finish::plain;
}

/// A tile of whole vectors. Between depth ranges its chains are in C itself.
inline void multiply_whole(const GemmBlock& g, TileFunction multiply, const TilePlace& at, bool resumes, TileProduct& product,
                           Finish finish) {
  float* const c = g.c + at.row * g.c_stride + at.col;
  const bool here = finish == Finish::in_registers;
  product.chains = resumes ? c : nullptr;
  product.chain_stride = g.c_stride;
  product.bias = here && g.bias != nullptr ? g.bias + at.col : nullptr;
  product.residual = here && g.residual != nullptr ? g.residual + at.row * g.residual_stride + at.col : nullptr;
  product.residual_stride = g.residual_stride;
  if (finish != Finish::in_memory) {
    product.tile = c;
    product.stride = g.c_stride;
    multiply(product);
    return;
  }
  // Rows of C may be a power of two apart, and share few lines of the first cache: they are written once, at the end.
  float tile[kTileRows * kPanelColumns];
  product.tile = tile;
  product.stride = kPanelColumns;
  multiply(product);
  finish_tile(g, tile, kPanelColumns, at);
}

/// A tile at a ragged right edge: its chains are beside C while they are lengthened.
inline void multiply_edge(const GemmBlock& g, TileFunction multiply, const TilePlace& at, bool resumes, TileProduct& product,
                          Finish finish) {
  float edge[kTileRows * kPanelColumns];
  float* c = g.c + at.row * g.c_stride + at.col;
  if (resumes) {
    for (std::int64_t row = 0; row < at.rows; ++row) {
      for (std::int64_t col = 0; col < kPanelColumns; ++col)
        edge[row * kPanelColumns + col] = col < at.cols ? c[row * g.c_stride + col] : 0.0F;
    }
  }
  product.chains = resumes ? edge : nullptr;
  product.chain_stride = kPanelColumns;
  product.tile = edge;
  product.stride = kPanelColumns;
  product.bias = nullptr;
  product.residual = nullptr;
  multiply(product);
  if (finish != Finish::plain) {
    finish_tile(g, edge, kPanelColumns, at);
    return;
  }
  for (std::int64_t row = 0; row < at.rows; ++row) {
    for (std::int64_t col = 0; col < at.cols; ++col) c[row * g.c_stride + col] = edge[row * kPanelColumns + col];
  }
}

/// One row block times all panels, for one depth range.
inline void multiply_rows(const GemmBlock& g, const Tiles& tiles, std::int64_t row0, std::int64_t rows,
                          const DepthRange& range) {
  const Finish finish = range.is_last ? how_to_finish(g) : Finish::plain;
  const bool is_packed = packs(g);
  const auto& by_size = is_packed ? tiles.packed : tiles.unpacked;
  TileProduct product;
  product.depth = range.size;
  product.a_stride = g.a_row_stride;
  for (std::int64_t col0 = 0; col0 < g.cols; col0 += kPanelColumns) {
    const std::int64_t panel_cols = g.cols - col0 < kPanelColumns ? g.cols - col0 : kPanelColumns;
    const float* panel = g.b + col0 * g.depth + range.begin * kPanelColumns;
    const float* next = col0 + kPanelColumns < g.cols ? panel + kPanelColumns * g.depth : panel;
    for_each_piece(rows, kTileRows, [&](std::int64_t index, std::int64_t first, std::int64_t count) {
      product.a = is_packed ? g.pack + first * range.size : g.a + (row0 + first) * g.a_row_stride + range.begin;
      product.ahead = next + index % 4 * (range.size / 4) * kPanelColumns;
      for (std::int64_t offset = 0; offset < panel_cols; offset += 16 * kTileVectors) {
        const std::int64_t cols =
            panel_cols - offset < 16 * kTileVectors ? panel_cols - offset : 16 * kTileVectors;
        product.b = panel + offset;
        const TileFunction multiply = by_size[count - 1][cols > 16 ? 1 : 0];
        const TilePlace at{row0 + first, count, col0 + offset, cols};
        if (cols % 16 == 0) {
          multiply_whole(g, multiply, at, !range.is_first, product, finish);
        } else {
          multiply_edge(g, multiply, at, !range.is_first, product, finish);
        }
      }
    });
  }
}

/// Packs a block of A tile by tile.
inline void pack_block(const GemmBlock& g, std::int64_t row0, std::int64_t rows, std::int64_t begin, std::int64_t size) {
  for_each_piece(rows, kTileRows, [&](std::int64_t, std::int64_t first, std::int64_t count) {
    pack_rows(g.a + (row0 + first) * g.a_row_stride + begin * g.a_depth_stride, g.a_row_stride, g.a_depth_stride, count,
              size, g.pack + first * size);
  });
}

void gemm_block(const GemmBlock& g) {
  static const Tiles tiles;
  for_each_piece(g.rows, kPackedRows, [&](std::int64_t, std::int64_t row0, std::int64_t rows) {
    for_each_piece(g.depth, kDepthBlock, [&](std::int64_t, std::int64_t begin, std::int64_t size) {
      if (packs(g)) pack_block(g, row0, rows, begin, size);
      multiply_rows(g, tiles, row0, rows, {begin, size, begin == 0, begin + size == g.depth});
    });
  });
}

}  // namespace
}  // namespace nq::kernels
