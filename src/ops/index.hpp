#pragma once

#include <cstdint>
#include <vector>

#include "core/check.hpp"
#include "nq/types.hpp"
#include "ops/strided_copy.hpp"

// How the Gather and Scatter families turn index values into offsets. Index values come from the
// model or its inputs, so each one is checked when it is used.

namespace nq {

/// Maps a possibly negative index into [0, length). Throws Error(input) naming the index.
inline std::int64_t checked_index(std::int64_t index, std::int64_t length) {
  const std::int64_t position = index < 0 ? index + length : index;
  NQ_CHECK(position >= 0 && position < length, input, "index {} is outside an axis of length {}", index,
           length);
  return position;
}

/// Throws Error(input) unless `indices` has the rank of `data` and fits it outside `axis`.
void check_index_shape(const Shape& data, const Shape& indices, int axis);

/// Element-wise indexing along one axis (GatherElements, ScatterElements): element (i, j, k) of the
/// indices stands for element (i, indices[i, j, k], k) of the data when the axis is 1.
class ElementIndexWalk {
 public:
  ElementIndexWalk(const Shape& data, const Shape& indices, int axis);

  std::int64_t elements() const noexcept { return walk_.elements(); }

  /// Calls body(data_offset, index_offset) for index elements [begin, end) in order.
  template <typename Index, typename Body>
  void for_each(std::int64_t begin, std::int64_t end, const Index* indices, Body&& body) const {
    const CopyAxis& inner = walk_.inner();
    walk_.for_each_run(begin, end, [&](std::int64_t data, std::int64_t at, std::int64_t length) {
      for (std::int64_t k = 0; k < length; ++k) {
        const std::int64_t here = at + k * inner.dst_stride;
        const std::int64_t along = checked_index(indices[here], length_) * stride_;
        body(data + k * inner.src_stride + along, here);
      }
    });
  }

 private:
  StridedWalk walk_;
  std::int64_t length_;
  std::int64_t stride_;
};

/// Tuple indexing (GatherND, ScatterND): row `tuple` of the indices addresses one block of the data.
class TupleIndex {
 public:
  /// `indices` is [batch..., tuples..., depth]; the first `batch` axes are shared with the data.
  TupleIndex(const Shape& data, const Shape& indices, int batch);

  std::int64_t count() const noexcept { return count_; }
  /// Elements of the block that one tuple addresses.
  std::int64_t block_elements() const noexcept { return block_elements_; }

  /// Offset of the block in elements.
  template <typename Index>
  std::int64_t offset(const Index* indices, std::int64_t tuple) const {
    const auto depth = static_cast<std::int64_t>(lengths_.size());
    std::int64_t at = tuple / tuples_per_batch_ * batch_stride_;
    for (std::int64_t k = 0; k < depth; ++k) {
      at += checked_index(indices[tuple * depth + k], lengths_[k]) * strides_[k];
    }
    return at;
  }

 private:
  std::vector<std::int64_t> lengths_;
  std::vector<std::int64_t> strides_;
  std::int64_t count_ = 0;
  std::int64_t tuples_per_batch_ = 1;
  std::int64_t batch_stride_ = 0;
  std::int64_t block_elements_ = 0;
};

}  // namespace nq
