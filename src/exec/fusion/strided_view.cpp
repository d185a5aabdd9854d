#include "exec/fusion/strided_view.hpp"

#include <algorithm>

#include "ops/strided_copy.hpp"

namespace nq {
namespace {

using Ints = std::vector<std::int64_t>;

std::size_t at(std::int64_t axis) { return static_cast<std::size_t>(axis); }

/// Drops unit axes and merges neighbours that are contiguous with each other.
struct Merged {
  Ints sizes, strides;
};

Merged merge_axes(const StridedView& view) {
  Merged merged;
  for (std::size_t axis = 0; axis < view.sizes.size(); ++axis) {
    if (view.sizes[axis] == 1) continue;
    const bool joins = !merged.sizes.empty() && merged.strides.back() == view.strides[axis] * view.sizes[axis];
    if (joins) {
      merged.sizes.back() *= view.sizes[axis];
      merged.strides.back() = view.strides[axis];
    } else {
      merged.sizes.push_back(view.sizes[axis]);
      merged.strides.push_back(view.strides[axis]);
    }
  }
  return merged;
}

std::optional<StridedView> transposed(StridedView view, const Node& node) {
  Ints perm = attr_ints(node, "perm");
  if (perm.empty()) {
    for (int axis = view.rank() - 1; axis >= 0; --axis) perm.push_back(axis);
  }
  StridedView result = view;
  for (std::size_t axis = 0; axis < perm.size(); ++axis) {
    result.sizes[axis] = view.sizes[at(perm[axis])];
    result.strides[axis] = view.strides[at(perm[axis])];
  }
  return result;
}

/// One index of an axis (Gather with a constant scalar, or with one index kept as a unit axis).
std::optional<StridedView> gathered(const FusionGraph& graph, StridedView view, const Node& node) {
  const Tensor* indices = graph.constant(node.inputs[1]);
  if (indices == nullptr || indices->elements() != 1 || indices->shape().rank() > 1) return std::nullopt;
  const int axis = normalize_axis(attr_int(node, "axis", 0), view.rank());
  std::int64_t index = to_vector<std::int64_t>(indices->view())[0];
  if (index < 0) index += view.sizes[at(axis)];
  view.offset += index * view.strides[at(axis)];
  view.sizes[at(axis)] = 1;
  if (indices->shape().rank() == 0) {
    view.sizes.erase(view.sizes.begin() + axis);
    view.strides.erase(view.strides.begin() + axis);
  }
  return view;
}

std::optional<StridedView> split_part(const FusionGraph& graph, StridedView view, const Node& node, ValueId value) {
  const int axis = normalize_axis(attr_int(node, "axis", 0), view.rank());
  std::int64_t start = 0;
  for (const ValueId output : node.outputs) {
    if (output == value) break;
    if (!output.valid()) return std::nullopt;
    start += graph.shape(output)[axis];
  }
  view.offset += start * view.strides[at(axis)];
  view.sizes[at(axis)] = graph.shape(value)[axis];
  return view;
}

/// Slice with constant arguments and unit steps.
std::optional<StridedView> sliced(const FusionGraph& graph, StridedView view, const Node& node, ValueId value) {
  Ints arguments[4];
  for (std::size_t k = 1; k < node.inputs.size(); ++k) {
    if (!node.inputs[k].valid()) continue;
    const Tensor* constant = graph.constant(node.inputs[k]);
    if (constant == nullptr) return std::nullopt;
    arguments[k - 1] = to_vector<std::int64_t>(constant->view());
  }
  if (node.inputs.size() < 3) return std::nullopt;
  const auto& [starts, ends, axes, steps] = arguments;
  if (std::any_of(steps.begin(), steps.end(), [](std::int64_t step) { return step != 1; })) return std::nullopt;
  for (std::size_t k = 0; k < starts.size(); ++k) {
    const int axis = axes.empty() ? static_cast<int>(k) : normalize_axis(axes[k], view.rank());
    const std::int64_t size = view.sizes[at(axis)];
    const std::int64_t start = std::clamp(starts[k] < 0 ? starts[k] + size : starts[k], std::int64_t{0}, size);
    view.offset += start * view.strides[at(axis)];
  }
  const auto dims = graph.shape(value).dims();
  view.sizes.assign(dims.begin(), dims.end());
  return view;
}

std::optional<StridedView> through(const FusionGraph& graph, const Node& node, ValueId value, Factors factors) {
  const auto is = [&node](std::string_view op) { return node.op_type == op; };
  if (!node.domain.empty() || node.inputs.empty()) return std::nullopt;
  if (is("Mul") || is("Div")) {
    if (factors == Factors::stop) return std::nullopt;
    for (std::size_t side = 0; side < (is("Mul") ? 2U : 1U); ++side) {
      const auto factor = graph.scalar(node.inputs[1 - side]);
      if (!factor || graph.type(node.inputs[side]) != graph.type(value)) continue;
      StridedView view = view_of(graph, node.inputs[side], factors);
      view.factor *= is("Mul") ? *factor : 1.0F / *factor;
      return view;
    }
    return std::nullopt;
  }
  const bool reshapes = is("Reshape") || is("Squeeze") || is("Unsqueeze") || is("Flatten") || is("Identity");
  if (!reshapes && !is("Transpose") && !is("Gather") && !is("Split") && !is("Slice")) return std::nullopt;
  StridedView inner = view_of(graph, node.inputs[0], factors);
  if (reshapes) return reshape_view(inner, graph.shape(value));
  if (is("Transpose")) return transposed(std::move(inner), node);
  if (is("Gather")) return gathered(graph, std::move(inner), node);
  if (is("Split")) return split_part(graph, std::move(inner), node, value);
  return sliced(graph, std::move(inner), node, value);
}

}  // namespace

StridedView view_of(const FusionGraph& graph, ValueId value, Factors factors) {
  const Node* node = graph.producer(value);
  if (node != nullptr && graph.constant(value) == nullptr) {
    if (auto view = through(graph, *node, value, factors)) return *view;
  }
  const Shape& shape = graph.shape(value);
  return {value, 0, {shape.begin(), shape.end()}, dense_strides(shape), 1.0F};
}

std::optional<StridedView> reshape_view(const StridedView& view, const Shape& shape) {
  const Merged merged = merge_axes(view);
  StridedView result = view;
  result.sizes.assign(shape.begin(), shape.end());
  result.strides.assign(result.sizes.size(), 1);
  // Each merged axis is cut, from the innermost out, into axes of the new shape.
  std::size_t group = merged.sizes.size();
  std::int64_t left = 1;
  std::int64_t stride = 1;
  for (std::size_t axis = result.sizes.size(); axis-- > 0;) {
    const std::int64_t size = result.sizes[axis];
    if (size == 1) continue;
    if (left == 1) {
      if (group == 0) return std::nullopt;
      --group;
      left = merged.sizes[group];
      stride = merged.strides[group];
    }
    if (size == 0 || left % size != 0) return std::nullopt;
    result.strides[axis] = stride;
    stride *= size;
    left /= size;
  }
  if (left != 1 || group != 0) return std::nullopt;
  return result;
}

}  // namespace nq
