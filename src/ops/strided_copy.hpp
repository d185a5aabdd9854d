#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "nq/op.hpp"
#include "ops/check.hpp"

namespace nq {

/// One axis of a walk over two arrays: its length, and how far each side moves per step.
struct CopyAxis {
  std::int64_t size = 1;
  std::int64_t src_stride = 0;  ///< in elements; 0 repeats, negative walks backwards
  std::int64_t dst_stride = 0;  ///< in elements
};

/// Most axes that remain after merging neighbours.
inline constexpr int kMaxCopyAxes = 16;

/// Bytes of one parallel chunk of a copy.
inline constexpr std::int64_t kCopyGrainBytes = 65536;

/// Row-major strides of `shape` in elements; all 0 for a tensor without elements.
std::vector<std::int64_t> dense_strides(const Shape& shape);

/// Walk over the cross product of axes, last axis fastest. Axes of length 1 are dropped and
/// neighbours that both sides walk without a gap are merged.
class StridedWalk {
 public:
  /// Throws Error(unsupported) when more than kMaxCopyAxes remain.
  explicit StridedWalk(const std::vector<CopyAxis>& axes);

  std::int64_t elements() const noexcept { return elements_; }
  const std::vector<CopyAxis>& axes() const noexcept { return axes_; }  ///< at least one
  const CopyAxis& inner() const noexcept { return axes_.back(); }

  /// Calls body(src_offset, dst_offset, length) for the runs along the innermost axis that cover
  /// positions [begin, end) of the walk.
  template <typename Body>
  void for_each_run(std::int64_t begin, std::int64_t end, Body&& body) const;

 private:
  std::vector<CopyAxis> axes_;
  std::int64_t elements_ = 1;
};

/// A copy between two arrays of fixed-size elements along a StridedWalk.
///
/// The method is chosen once: memcpy of rows, repetition of one element, tiles of a transposed
/// plane, or single elements. No two steps of the walk may write the same element.
class StridedCopy {
 public:
  /// Offsets are in elements.
  StridedCopy(const std::vector<CopyAxis>& axes, std::size_t element_bytes, std::int64_t src_offset = 0,
              std::int64_t dst_offset = 0);

  void run(const std::byte* src, std::byte* dst) const;

 private:
  enum class Method { rows, repeat, tiles, elements };
  void choose_method();
  void run_tiles(const std::byte* src, std::byte* dst) const;

  StridedWalk walk_;
  std::int64_t bytes_;
  std::int64_t src_offset_;
  std::int64_t dst_offset_;
  Method method_ = Method::elements;
  CopyAxis tile_rows_;     ///< tiles: the axis that the source walks densely, taken out of walk_
  CopyAxis tile_columns_;  ///< tiles: the axis that the destination walks densely, likewise
};

/// Kernel that copies input 0 to output 0.
KernelPtr make_copy_kernel(StridedCopy copy);

/// Writes `count` copies of the element at `value`.
void fill_elements(std::byte* dst, const std::byte* value, std::int64_t count, std::size_t element_bytes);

/// Copies a short block; the common sizes of one element become one move.
inline void copy_block(std::byte* dst, const std::byte* src, std::size_t bytes) {
  switch (bytes) {
    case 4: std::copy_n(src, 4, dst); break;
    case 8: std::copy_n(src, 8, dst); break;
    default: std::copy_n(src, bytes, dst); break;
  }
}

/// Calls visitor(TypeTag<Word>{}) with the unsigned integer of `element_bytes` (1, 2, 4 or 8).
template <typename Visitor>
decltype(auto) visit_word(std::size_t element_bytes, Visitor&& visitor) {
  switch (element_bytes) {
    case 1: return visitor(TypeTag<std::uint8_t>{});
    case 2: return visitor(TypeTag<std::uint16_t>{});
    case 4: return visitor(TypeTag<std::uint32_t>{});
    case 8: return visitor(TypeTag<std::uint64_t>{});
    default: fail(ErrorKind::internal, "no copy of {}-byte elements", element_bytes);
  }
}

/// Calls visitor(TypeTag<Index>{}) with int32 or int64.
template <typename Visitor>
decltype(auto) visit_index(DType dtype, Visitor&& visitor) {
  return dtype == DType::i32 ? visitor(TypeTag<std::int32_t>{}) : visitor(TypeTag<std::int64_t>{});
}

template <typename Body>
void StridedWalk::for_each_run(std::int64_t begin, std::int64_t end, Body&& body) const {
  const int last = static_cast<int>(axes_.size()) - 1;
  std::array<std::int64_t, kMaxCopyAxes> index{};
  std::int64_t src = 0;
  std::int64_t dst = 0;
  std::int64_t rest = begin;
  for (int axis = last; axis >= 0; --axis) {
    const CopyAxis& step = axes_[axis];
    index[axis] = rest % step.size;
    rest /= step.size;
    src += index[axis] * step.src_stride;
    dst += index[axis] * step.dst_stride;
  }
  for (std::int64_t position = begin; position < end;) {
    const CopyAxis& run = axes_[last];
    const std::int64_t length = std::min(run.size - index[last], end - position);
    body(src, dst, length);
    position += length;
    index[last] += length;
    src += length * run.src_stride;
    dst += length * run.dst_stride;
    for (int axis = last; axis > 0 && index[axis] == axes_[axis].size; --axis) {
      index[axis] = 0;
      ++index[axis - 1];
      src += axes_[axis - 1].src_stride - axes_[axis].size * axes_[axis].src_stride;
      dst += axes_[axis - 1].dst_stride - axes_[axis].size * axes_[axis].dst_stride;
    }
  }
}

}  // namespace nq
