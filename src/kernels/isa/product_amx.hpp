#pragma once

// Integer product of one block on AMX tiles (Intel 64 manual, chapter 18). Include after lanes_avx512.hpp.

#include <immintrin.h>

#include <cstring>

#include "kernels/isa/integer_epilogue.hpp"

namespace nq::kernels {
namespace {

constexpr std::int64_t kAmxRows = 16;                    ///< rows of a tile of A and of sums
constexpr std::int64_t kAmxBytes = 64;                   ///< depth of a tile of A
constexpr std::int64_t kAmxSteps = kAmxBytes / 4;        ///< rows of a tile of B, four of the depth each
constexpr std::int64_t kAmxTile = kAmxRows * kAmxBytes;  ///< bytes
constexpr std::int64_t kPanelStep = kPanelColumns * 4;   ///< bytes of one step of a panel of B

/// Operand of LDTILECFG.
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t bytes_per_row[16] = {};
  std::uint8_t rows[16] = {};

  TileConfig() {
    for (int tile = 0; tile < 8; ++tile) {
      bytes_per_row[tile] = kAmxBytes;
      rows[tile] = kAmxRows;
    }
  }
};
static_assert(sizeof(TileConfig) == 64);

/// Rows of A as tiles [row tile][depth tile][16][64], zero beyond its rows and its depth.
inline void pack_amx_rows(const IntegerBlock& g, std::int64_t row0, std::int64_t rows, std::int64_t depth_tiles) {
  const std::int64_t padded = pieces(rows, kAmxRows) * kAmxRows;
  const std::int64_t whole = g.steps / kAmxSteps;
  const auto rest = static_cast<std::size_t>(g.steps % kAmxSteps * 4);
  for (std::int64_t row = 0; row < padded; ++row) {
    const std::uint8_t* source = g.a + (row0 + row) * g.a_stride;
    std::uint8_t* target = g.pack + row / kAmxRows * depth_tiles * kAmxTile + row % kAmxRows * kAmxBytes;
    if (row >= rows) {
      for (std::int64_t k = 0; k < depth_tiles; ++k) std::memset(target + k * kAmxTile, 0, kAmxBytes);
      continue;
    }
    for (std::int64_t k = 0; k < whole; ++k) std::memcpy(target + k * kAmxTile, source + k * kAmxBytes, kAmxBytes);
    if (rest == 0) continue;
    std::memset(target + whole * kAmxTile, 0, kAmxBytes);
    std::memcpy(target + whole * kAmxTile, source + whole * kAmxBytes, rest);
  }
}

/// One panel of B; where the depth does not fill its last tile, a padded copy stands for that.
struct AmxPanel {
  const std::int8_t* values;          ///< [steps][kPanelColumns][4]
  const std::int8_t* last = nullptr;  ///< [kAmxSteps][kPanelColumns][4], or null
};

/// Cache lines of the next panel that are asked for with every step of a tile: a panel is read once per block and lies far away.
/// A block of rows has 7 tiles, and a step reads 32 lines of its own.
constexpr std::int64_t kFetchedLines = 5;

inline void fetch_line(const std::int8_t* ahead, std::int64_t line) { _mm_prefetch(ahead + line * kAmxBytes, _MM_HINT_T1); }

/// The tile whose sums are ready. Its outputs are computed in slices between the steps of the next tile: the units for tiles and for
/// vectors then work at the same time.
class ReadyTile {
 public:
  ReadyTile(const IntegerBlock& block, const IntegerTile& tile) : block_(&block), tile_(tile) {}

  /// The share of the rows that goes with step `k` of `steps`.
  void finish_share(std::int64_t k, std::int64_t steps) {
    const std::int64_t end = k + 1 == steps ? tile_.rows : tile_.rows * (k + 1) / steps / kSlice * kSlice;
    if (end > done_) finish(end);
  }

 private:
  static constexpr std::int64_t kSlice = 4;  ///< rows; fewer do not pay for loading what belongs to the columns

  void finish(std::int64_t end) {
    finish_integer_tile(*block_, {tile_.sums + done_ * kPanelColumns, tile_.row0 + done_, end - done_, tile_.col0, tile_.cols});
    done_ = end;
  }

  const IntegerBlock* block_;
  IntegerTile tile_;
  std::int64_t done_ = 0;
};

/// Sums of 32 x 32 outputs, or of their first 16 rows, into `sums` [32, kPanelColumns]. Fetches kFetchedLines cache lines per
/// step from `ahead` on, and finishes the tile before.
template <bool TwoRows>
void multiply_amx_tile(std::int64_t depth_tiles, const std::uint8_t* a, const AmxPanel& b, std::int32_t* sums,
                       const std::int8_t* ahead, ReadyTile& before) {
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (TwoRows) {
    _tile_zero(2);
    _tile_zero(3);
  }
  for (std::int64_t k = 0; k < depth_tiles; ++k) {
    const bool is_padded = b.last != nullptr && k + 1 == depth_tiles;
    const std::int8_t* columns = is_padded ? b.last : b.values + k * kAmxSteps * kPanelStep;
    _tile_loadd(6, columns, kPanelStep);
    fetch_line(ahead, 0);
    _tile_loadd(4, a + k * kAmxTile, kAmxBytes);
    fetch_line(ahead, 1);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, columns + kAmxBytes, kPanelStep);
    fetch_line(ahead, 2);
    _tile_dpbusd(1, 4, 7);
    if constexpr (TwoRows) {
      _tile_loadd(5, a + (depth_tiles + k) * kAmxTile, kAmxBytes);
      fetch_line(ahead, 3);
      _tile_dpbusd(2, 5, 6);
      fetch_line(ahead, 4);
      _tile_dpbusd(3, 5, 7);
    }
    ahead += kFetchedLines * kAmxBytes;
    before.finish_share(k, depth_tiles);
  }
  _tile_stored(0, sums, kPanelStep);
  _tile_stored(1, sums + 16, kPanelStep);
  if constexpr (TwoRows) {
    _tile_stored(2, sums + kAmxRows * kPanelColumns, kPanelStep);
    _tile_stored(3, sums + kAmxRows * kPanelColumns + 16, kPanelStep);
  }
}

inline void multiply_amx_rows(const IntegerBlock& g, std::int64_t row0, std::int64_t rows, std::int64_t depth_tiles) {
  alignas(64) std::int32_t sums[2][2 * kAmxRows * kPanelColumns];
  int current = 0;
  ReadyTile ready(g, {sums[1], 0, 0, 0, 0});
  alignas(64) std::int8_t rest[kAmxSteps * kPanelStep] = {};
  const std::int64_t panel_bytes = g.steps * kPanelStep;
  for (std::int64_t col0 = 0; col0 < g.cols; col0 += kPanelColumns) {
    const std::int64_t cols = g.cols - col0 < kPanelColumns ? g.cols - col0 : kPanelColumns;
    AmxPanel panel{g.b + col0 * g.steps * 4};
    const std::int8_t* next = col0 + kPanelColumns < g.cols ? panel.values + panel_bytes : panel.values;
    if (const std::int64_t used = g.steps % kAmxSteps; used != 0) {
      std::memcpy(rest, panel.values + (g.steps - used) * kPanelStep, static_cast<std::size_t>(used * kPanelStep));
      panel.last = rest;
    }
    for (std::int64_t first = 0; first < rows; first += 2 * kAmxRows) {
      const std::int64_t count = rows - first < 2 * kAmxRows ? rows - first : 2 * kAmxRows;
      const std::uint8_t* a = g.pack + first / kAmxRows * depth_tiles * kAmxTile;
      const std::int8_t* ahead = next + first / (2 * kAmxRows) * depth_tiles * kFetchedLines * kAmxBytes;
      if (count > kAmxRows) {
        multiply_amx_tile<true>(depth_tiles, a, panel, sums[current], ahead, ready);
      } else {
        multiply_amx_tile<false>(depth_tiles, a, panel, sums[current], ahead, ready);
      }
      ready = ReadyTile(g, {sums[current], row0 + first, count, col0, cols});
      current = 1 - current;
    }
  }
  ready.finish_share(0, 1);
}

void integer_block_amx(const IntegerBlock& g) {
  const TileConfig config;
  _tile_loadconfig(&config);
  const std::int64_t depth_tiles = (g.steps + kAmxSteps - 1) / kAmxSteps;
  for (std::int64_t row0 = 0; row0 < g.rows; row0 += kIntegerRowBlock) {
    const std::int64_t rows = g.rows - row0 < kIntegerRowBlock ? g.rows - row0 : kIntegerRowBlock;
    pack_amx_rows(g, row0, rows, depth_tiles);
    multiply_amx_rows(g, row0, rows, depth_tiles);
  }
  _tile_release();
}

}  // namespace
}  // namespace nq::kernels
