#include "ops/strided_copy.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <cstring>
#include <functional>

#include "core/divide_up.hpp"
#include "core/parallel.hpp"

namespace nq {
namespace {

/// Rows and columns of one tile of a transposed plane: 32 cache lines on each side.
constexpr std::int64_t kTile = 32;

/// A plane to transpose: dst[row * dst_stride + column] = src[column * src_stride + row].
template <typename Word>
struct Plane {
  const Word* src;
  std::int64_t src_stride;
  Word* dst;
  std::int64_t dst_stride;
};

template <typename Word>
void transpose_scalar(const Plane<Word>& plane, std::int64_t row_begin, std::int64_t row_end,
                      std::int64_t column_begin, std::int64_t column_end) {
  for (std::int64_t row = row_begin; row < row_end; ++row) {
    for (std::int64_t column = column_begin; column < column_end; ++column) {
      plane.dst[row * plane.dst_stride + column] = plane.src[column * plane.src_stride + row];
    }
  }
}

#ifdef __AVX2__
/// Transposes the 8x8 block of 32-bit words at (row, column).
void transpose_8x8(const Plane<std::uint32_t>& plane, std::int64_t row, std::int64_t column) {
  __m256 lines[8];
  for (int k = 0; k < 8; ++k) {
    lines[k] =
        _mm256_loadu_ps(reinterpret_cast<const float*>(plane.src + (column + k) * plane.src_stride + row));
  }
  __m256 pairs[8];
  for (int k = 0; k < 4; ++k) {
    pairs[2 * k] = _mm256_unpacklo_ps(lines[2 * k], lines[2 * k + 1]);
    pairs[2 * k + 1] = _mm256_unpackhi_ps(lines[2 * k], lines[2 * k + 1]);
  }
  __m256 quads[8];
  for (int half = 0; half < 2; ++half) {
    const int at = 4 * half;
    quads[at] = _mm256_shuffle_ps(pairs[at], pairs[at + 2], 0x44);
    quads[at + 1] = _mm256_shuffle_ps(pairs[at], pairs[at + 2], 0xEE);
    quads[at + 2] = _mm256_shuffle_ps(pairs[at + 1], pairs[at + 3], 0x44);
    quads[at + 3] = _mm256_shuffle_ps(pairs[at + 1], pairs[at + 3], 0xEE);
  }
  for (int k = 0; k < 4; ++k) {
    auto* low = reinterpret_cast<float*>(plane.dst + (row + k) * plane.dst_stride + column);
    auto* high = reinterpret_cast<float*>(plane.dst + (row + k + 4) * plane.dst_stride + column);
    _mm256_storeu_ps(low, _mm256_permute2f128_ps(quads[k], quads[k + 4], 0x20));
    _mm256_storeu_ps(high, _mm256_permute2f128_ps(quads[k], quads[k + 4], 0x31));
  }
}
#endif

template <typename Word>
void transpose_tile(const Plane<Word>& plane, std::int64_t row_begin, std::int64_t row_end,
                    std::int64_t column_begin, std::int64_t column_end) {
  std::int64_t row = row_begin;
#ifdef __AVX2__
  if constexpr (sizeof(Word) == 4) {
    for (; row + 8 <= row_end; row += 8) {
      std::int64_t column = column_begin;
      for (; column + 8 <= column_end; column += 8) transpose_8x8(plane, row, column);
      transpose_scalar(plane, row, row + 8, column, column_end);
    }
  }
#endif
  transpose_scalar(plane, row, row_end, column_begin, column_end);
}

class CopyKernel final : public Kernel {
 public:
  explicit CopyKernel(StridedCopy copy) : copy_(std::move(copy)) {}
  void run(const KernelArgs& args) const override { copy_.run(args.inputs[0].data, args.outputs[0].data); }

 private:
  StridedCopy copy_;
};

}  // namespace

std::vector<std::int64_t> dense_strides(const Shape& shape) {
  std::vector<std::int64_t> strides(static_cast<std::size_t>(shape.rank()), 0);
  if (shape.elements() == 0) return strides;
  std::int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

StridedWalk::StridedWalk(const std::vector<CopyAxis>& axes) {
  const auto empty = [](const CopyAxis& axis) { return axis.size == 0; };
  if (std::any_of(axes.begin(), axes.end(), empty)) {
    axes_ = {CopyAxis{1, 0, 0}};
    elements_ = 0;
    return;
  }
  for (const CopyAxis& axis : axes) {
    elements_ *= axis.size;
    if (axis.size == 1) continue;
    if (!axes_.empty() && axes_.back().src_stride == axis.src_stride * axis.size &&
        axes_.back().dst_stride == axis.dst_stride * axis.size) {
      axes_.back() = {axes_.back().size * axis.size, axis.src_stride, axis.dst_stride};
    } else {
      axes_.push_back(axis);
    }
  }
  if (axes_.empty()) axes_.push_back({1, 1, 1});
  NQ_CHECK(axes_.size() <= kMaxCopyAxes, unsupported, "a copy over {} separate axes is not implemented",
           axes_.size());
}

StridedCopy::StridedCopy(const std::vector<CopyAxis>& axes, std::size_t element_bytes,
                         std::int64_t src_offset, std::int64_t dst_offset)
    : walk_(axes),
      bytes_(static_cast<std::int64_t>(element_bytes)),
      src_offset_(src_offset),
      dst_offset_(dst_offset) {
  choose_method();
}

void StridedCopy::choose_method() {
  const CopyAxis inner = walk_.inner();
  if (inner.dst_stride != 1 || walk_.elements() == 0) return;
  if (inner.src_stride == 1) method_ = Method::rows;
  if (inner.src_stride == 0) method_ = Method::repeat;
  if (method_ != Method::elements) return;
  const std::vector<CopyAxis>& axes = walk_.axes();
  const auto dense =
      std::find_if(axes.begin(), axes.end(), [](const CopyAxis& axis) { return axis.src_stride == 1; });
  if (dense == axes.end()) return;
  method_ = Method::tiles;
  tile_rows_ = *dense;
  tile_columns_ = inner;
  std::vector<CopyAxis> outer;
  for (auto axis = axes.begin(); axis != axes.end() - 1; ++axis) {
    if (axis != dense) outer.push_back(*axis);
  }
  walk_ = StridedWalk(outer);
}

void StridedCopy::run(const std::byte* src, std::byte* dst) const {
  if (walk_.elements() == 0) return;
  src += src_offset_ * bytes_;
  dst += dst_offset_ * bytes_;
  if (method_ == Method::tiles) return run_tiles(src, dst);
  const auto rows = [&](std::int64_t from, std::int64_t to, std::int64_t length) {
    std::memcpy(dst + to * bytes_, src + from * bytes_, static_cast<std::size_t>(length * bytes_));
  };
  const auto repeat = [&](std::int64_t from, std::int64_t to, std::int64_t length) {
    fill_elements(dst + to * bytes_, src + from * bytes_, length, static_cast<std::size_t>(bytes_));
  };
  const auto elements = [&](std::int64_t from, std::int64_t to, std::int64_t length) {
    visit_word(static_cast<std::size_t>(bytes_), [&](auto tag) {
      using Word = typename decltype(tag)::type;
      const Word* in = reinterpret_cast<const Word*>(src) + from;
      Word* out = reinterpret_cast<Word*>(dst) + to;
      const CopyAxis& inner = walk_.inner();
      for (std::int64_t k = 0; k < length; ++k) out[k * inner.dst_stride] = in[k * inner.src_stride];
    });
  };
  const auto chunk = [&](std::int64_t begin, std::int64_t end) {
    switch (method_) {
      case Method::rows: walk_.for_each_run(begin, end, rows); break;
      case Method::repeat: walk_.for_each_run(begin, end, repeat); break;
      default: walk_.for_each_run(begin, end, elements); break;
    }
  };
  parallel_for(0, walk_.elements(), kCopyGrainBytes / bytes_, std::ref(chunk));
}

void StridedCopy::run_tiles(const std::byte* src, std::byte* dst) const {
  const std::int64_t blocks = divide_up(tile_rows_.size, kTile);
  const std::int64_t block_bytes = std::min(kTile, tile_rows_.size) * tile_columns_.size * bytes_;
  visit_word(static_cast<std::size_t>(bytes_), [&](auto tag) {
    using Word = typename decltype(tag)::type;
    const auto copy_block_of_rows = [&](std::int64_t outer, std::int64_t block) {
      walk_.for_each_run(outer, outer + 1, [&](std::int64_t from, std::int64_t to, std::int64_t) {
        const Plane<Word> plane{reinterpret_cast<const Word*>(src) + from, tile_columns_.src_stride,
                                reinterpret_cast<Word*>(dst) + to, tile_rows_.dst_stride};
        const std::int64_t row_end = std::min(tile_rows_.size, (block + 1) * kTile);
        for (std::int64_t column = 0; column < tile_columns_.size; column += kTile) {
          const std::int64_t column_end = std::min(tile_columns_.size, column + kTile);
          transpose_tile(plane, block * kTile, row_end, column, column_end);
        }
      });
    };
    const auto chunk = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t item = begin; item < end; ++item) copy_block_of_rows(item / blocks, item % blocks);
    };
    parallel_for(0, walk_.elements() * blocks, std::max<std::int64_t>(1, kCopyGrainBytes / block_bytes),
                 std::ref(chunk));
  });
}

void fill_elements(std::byte* dst, const std::byte* value, std::int64_t count, std::size_t element_bytes) {
  visit_word(element_bytes, [&](auto tag) {
    using Word = typename decltype(tag)::type;
    std::fill_n(reinterpret_cast<Word*>(dst), count, *reinterpret_cast<const Word*>(value));
  });
}

KernelPtr make_copy_kernel(StridedCopy copy) { return std::make_unique<CopyKernel>(std::move(copy)); }

}  // namespace nq
