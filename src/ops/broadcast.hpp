#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/parallel.hpp"
#include "nq/types.hpp"

namespace nq {

/// Elements per parallel chunk of elementwise work: large enough to hide the cost of a thread.
inline constexpr std::int64_t kElementGrain = 16384;

/// Most axes that remain after merging neighbours; deeper broadcasts are unsupported.
inline constexpr int kMaxBroadcastAxes = 16;

/// Shape that `a` and `b` broadcast to, aligned at the last axis (ONNX, Multidirectional
/// Broadcasting). Throws Error(input) naming both shapes when they do not fit.
Shape broadcast_shape(const Shape& a, const Shape& b);

/// Walk of N dense row-major operands over a dense row-major output.
///
/// Neighbouring axes that every operand walks alike are merged, so equal shapes become one axis
/// and [B,T,C] with [C] becomes two. The innermost stride of each operand is 0 or 1.
template <int N>
struct Broadcast {
  struct Axis {
    std::int64_t size = 1;
    std::array<std::int64_t, N> stride{};  ///< in elements; 0 where the operand is repeated
  };
  std::vector<Axis> axes;  ///< outermost first, at least one
  std::int64_t elements = 0;
};

/// Walk of operands `shapes` over `out`; each must broadcast to `out` by itself (unidirectionally).
/// Throws Error(input) otherwise, Error(unsupported) above kMaxBroadcastAxes.
template <int N>
Broadcast<N> make_broadcast(const Shape& out, const std::array<const Shape*, N>& shapes);

/// Calls body(out_offset, offsets, length) for the runs along the innermost axis that cover output
/// elements [begin, end); operand k walks from offsets[k] in steps of its innermost stride.
template <int N, typename Body>
void for_each_run(const Broadcast<N>& walk, std::int64_t begin, std::int64_t end, Body&& body) {
  const int last = static_cast<int>(walk.axes.size()) - 1;
  std::array<std::int64_t, kMaxBroadcastAxes> index{};
  std::array<std::int64_t, N> offsets{};
  std::int64_t rest = begin;
  for (int axis = last; axis >= 0; --axis) {
    const auto& [size, stride] = walk.axes[axis];
    index[axis] = rest % size;
    rest /= size;
    for (int k = 0; k < N; ++k) offsets[k] += index[axis] * stride[k];
  }
  for (std::int64_t position = begin; position < end;) {
    const std::int64_t length = std::min(walk.axes[last].size - index[last], end - position);
    body(position, offsets, length);
    position += length;
    index[last] += length;
    for (int k = 0; k < N; ++k) offsets[k] += length * walk.axes[last].stride[k];
    for (int axis = last; axis > 0 && index[axis] == walk.axes[axis].size; --axis) {
      index[axis] = 0;
      ++index[axis - 1];
      for (int k = 0; k < N; ++k) {
        offsets[k] += walk.axes[axis - 1].stride[k] - walk.axes[axis].size * walk.axes[axis].stride[k];
      }
    }
  }
}

/// for_each_run over the whole output, split over threads at multiples of kElementGrain.
template <int N, typename Body>
void parallel_runs(const Broadcast<N>& walk, const Body& body) {
  const auto chunk = [&](std::int64_t begin, std::int64_t end) { for_each_run(walk, begin, end, body); };
  parallel_for(0, walk.elements, kElementGrain, std::ref(chunk));
}

/// body(begin, end) over [0, elements) split at multiples of kElementGrain.
template <typename Body>
void parallel_elements(std::int64_t elements, const Body& body) {
  parallel_for(0, elements, kElementGrain, std::ref(body));
}

}  // namespace nq
