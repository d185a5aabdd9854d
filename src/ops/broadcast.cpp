#include "ops/broadcast.hpp"

#include "core/check.hpp"

namespace nq {
namespace {

/// Size of the axis that is `from_last` places from the end, 1 when the shape is shorter.
std::int64_t dim_from_last(const Shape& shape, int from_last) {
  return from_last < shape.rank() ? shape[shape.rank() - 1 - from_last] : 1;
}

void check_broadcasts_to(const Shape& out, const Shape& shape) {
  bool fits = shape.rank() <= out.rank();
  for (int from_last = 0; fits && from_last < out.rank(); ++from_last) {
    const std::int64_t size = dim_from_last(shape, from_last);
    fits = size == 1 || size == dim_from_last(out, from_last);
  }
  NQ_CHECK(fits, input, "shape {} does not broadcast to {}", to_string(shape), to_string(out));
}

/// Strides of `shape` aligned to `out`, outermost first, 0 on repeated axes.
std::vector<std::int64_t> aligned_strides(const Shape& out, const Shape& shape) {
  std::vector<std::int64_t> strides(static_cast<std::size_t>(out.rank()), 0);
  std::int64_t stride = 1;
  for (int from_last = 0; from_last < shape.rank(); ++from_last) {
    const std::int64_t size = dim_from_last(shape, from_last);
    if (size != 1) strides[static_cast<std::size_t>(out.rank() - 1 - from_last)] = stride;
    stride *= size;
  }
  return strides;
}

}  // namespace

Shape broadcast_shape(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> dims(static_cast<std::size_t>(rank));
  for (int from_last = 0; from_last < rank; ++from_last) {
    const std::int64_t first = dim_from_last(a, from_last);
    const std::int64_t second = dim_from_last(b, from_last);
    NQ_CHECK(first == second || first == 1 || second == 1, input, "shapes {} and {} do not broadcast",
             to_string(a), to_string(b));
    dims[static_cast<std::size_t>(rank - 1 - from_last)] = first == 1 ? second : first;
  }
  return Shape(std::move(dims));
}

template <int N>
Broadcast<N> make_broadcast(const Shape& out, const std::array<const Shape*, N>& shapes) {
  using Axis = typename Broadcast<N>::Axis;
  Broadcast<N> walk;
  walk.elements = out.elements();
  for (const Shape* shape : shapes) check_broadcasts_to(out, *shape);
  if (walk.elements == 0) {
    walk.axes.push_back({});
    return walk;
  }
  std::array<std::vector<std::int64_t>, N> strides;
  for (int k = 0; k < N; ++k) strides[k] = aligned_strides(out, *shapes[k]);
  for (int axis = 0; axis < out.rank(); ++axis) {
    if (out[axis] == 1) continue;
    Axis next{out[axis], {}};
    for (int k = 0; k < N; ++k) next.stride[k] = strides[k][static_cast<std::size_t>(axis)];
    bool merges = !walk.axes.empty();
    for (int k = 0; merges && k < N; ++k) {
      merges = walk.axes.back().stride[k] == next.stride[k] * next.size;
    }
    if (merges) {
      next.size *= walk.axes.back().size;
      walk.axes.back() = next;
    } else {
      walk.axes.push_back(next);
    }
  }
  if (walk.axes.empty()) walk.axes.push_back({});
  NQ_CHECK(walk.axes.size() <= kMaxBroadcastAxes, unsupported, "broadcast to {} needs more than {} axes",
           to_string(out), kMaxBroadcastAxes);
  return walk;
}

template Broadcast<1> make_broadcast<1>(const Shape&, const std::array<const Shape*, 1>&);
template Broadcast<2> make_broadcast<2>(const Shape&, const std::array<const Shape*, 2>&);
template Broadcast<3> make_broadcast<3>(const Shape&, const std::array<const Shape*, 3>&);

}  // namespace nq
