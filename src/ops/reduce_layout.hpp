#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nq/types.hpp"

namespace nq {

/// One axis of a strided walk, in elements.
struct StridedAxis {
  std::int64_t size = 1;
  std::int64_t stride = 1;
};

/// A reduction of a dense row-major tensor over some of its axes.
///
/// Neighbouring axes of the same kind are merged and axes of size 1 dropped. The output is the
/// dense row-major tensor of the kept axes.
struct ReduceLayout {
  std::vector<StridedAxis> kept;     ///< outermost first
  std::vector<StridedAxis> reduced;  ///< outermost first
  std::int64_t outputs = 1;
  std::int64_t count = 1;  ///< elements reduced into each output
};

/// `reduced` marks the axes to reduce.
ReduceLayout make_reduce_layout(const Shape& shape, const std::vector<bool>& reduced);

/// The shape after reduction; reduced axes stay as 1 when `keep_dims`.
Shape reduced_shape(const Shape& shape, const std::vector<bool>& reduced, bool keep_dims);

/// Offset of element `index` of the dense tensor over `axes`.
std::int64_t strided_offset(std::span<const StridedAxis> axes, std::int64_t index) noexcept;

}  // namespace nq
