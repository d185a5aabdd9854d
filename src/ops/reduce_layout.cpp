#include "ops/reduce_layout.hpp"

namespace nq {
namespace {

/// Appends an inner axis, merged into the previous one when both are walked with one stride.
void append_axis(std::vector<StridedAxis>& axes, StridedAxis inner) {
  if (inner.size == 1) return;
  if (!axes.empty() && axes.back().stride == inner.size * inner.stride) {
    axes.back() = {axes.back().size * inner.size, inner.stride};
  } else {
    axes.push_back(inner);
  }
}

}  // namespace

ReduceLayout make_reduce_layout(const Shape& shape, const std::vector<bool>& reduced) {
  ReduceLayout layout;
  const bool empty = shape.elements() == 0;
  std::vector<std::int64_t> strides(static_cast<std::size_t>(shape.rank()), 1);
  for (int axis = shape.rank() - 2; axis >= 0 && !empty; --axis) {
    strides[static_cast<std::size_t>(axis)] = strides[static_cast<std::size_t>(axis) + 1] * shape[axis + 1];
  }
  layout.outputs = reduced_shape(shape, reduced, false).elements();
  layout.count = layout.outputs == 0 || empty ? 0 : shape.elements() / layout.outputs;
  if (empty) return layout;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const auto index = static_cast<std::size_t>(axis);
    append_axis(reduced[index] ? layout.reduced : layout.kept, {shape[axis], strides[index]});
  }
  return layout;
}

Shape reduced_shape(const Shape& shape, const std::vector<bool>& reduced, bool keep_dims) {
  Shape out;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!reduced[static_cast<std::size_t>(axis)]) {
      out.push_back(shape[axis]);
    } else if (keep_dims) {
      out.push_back(1);
    }
  }
  return out;
}

std::int64_t strided_offset(std::span<const StridedAxis> axes, std::int64_t index) noexcept {
  std::int64_t offset = 0;
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    offset += index % axis->size * axis->stride;
    index /= axis->size;
  }
  return offset;
}

}  // namespace nq
