#include "pipeline/column_map.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "ops/strided_copy.hpp"

namespace nq {
namespace {

using Ints = std::vector<std::int64_t>;

/// Where an element of a new map lies in the old one: `start` and, per axis of the new one, what each coordinate adds.
struct Source {
  std::int64_t start = 0;
  std::vector<Ints> axes;
};

/// Every coordinate adds its own multiple of the stride.
Ints steps_of(std::int64_t count, std::int64_t stride) {
  Ints steps;
  for (std::int64_t index = 0; index < count; ++index) steps.push_back(index * stride);
  return steps;
}

/// Axis k of `out` is axis k of the old map.
Source same_axes(const ColumnMap& map, const Shape& out) {
  const Ints strides = dense_strides(map.shape);
  Source source;
  for (int axis = 0; axis < out.rank(); ++axis) source.axes.push_back(steps_of(out[axis], strides[static_cast<std::size_t>(axis)]));
  return source;
}

/// Elements of `out` in order.
ColumnMap rearrange(const ColumnMap& map, const Shape& out, const Source& source) {
  Ints offsets{source.start};
  for (const Ints& steps : source.axes) {
    Ints finer;
    finer.reserve(offsets.size() * steps.size());
    for (const std::int64_t offset : offsets) {
      for (const std::int64_t step : steps) finer.push_back(offset + step);
    }
    offsets = std::move(finer);
  }
  ColumnMap moved{out, {}};
  moved.columns.reserve(offsets.size());
  for (const std::int64_t offset : offsets) moved.columns.push_back(map.columns[static_cast<std::size_t>(offset)]);
  return moved;
}

std::optional<Ints> constant_integers(const Graph& graph, const Node& node, std::size_t input) {
  if (node.inputs.size() <= input || !node.inputs[input].valid()) return std::nullopt;
  const Tensor* constant = graph.constant(node.inputs[input]);
  if (constant == nullptr) return std::nullopt;
  return to_vector<std::int64_t>(constant->view());
}

ColumnMap transpose(const Node& node, const Shape& out, const ColumnMap& map) {
  Ints perm = attr_ints(node, "perm");
  if (perm.empty()) {
    perm.resize(static_cast<std::size_t>(map.shape.rank()));
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  const Ints strides = dense_strides(map.shape);
  Source source;
  for (int axis = 0; axis < out.rank(); ++axis) {
    const auto from = static_cast<std::size_t>(perm[static_cast<std::size_t>(axis)]);
    source.axes.push_back(steps_of(out[axis], strides[from]));
  }
  return rearrange(map, out, source);
}

std::optional<ColumnMap> gather(const Graph& graph, const Node& node, const Shape& out, const ColumnMap& map) {
  const auto positions = constant_integers(graph, node, 1);
  const int axis = normalize_axis(attr_int(node, "axis", 0), map.shape.rank());
  const bool scalar = out.rank() == map.shape.rank() - 1;
  if (!positions || (!scalar && out.rank() != map.shape.rank()) || (scalar && positions->size() != 1)) return std::nullopt;
  Source source = same_axes(map, map.shape);
  const std::int64_t stride = dense_strides(map.shape)[static_cast<std::size_t>(axis)];
  Ints& picked = source.axes[static_cast<std::size_t>(axis)];
  picked.clear();
  for (const std::int64_t value : *positions) {
    const std::int64_t position = value < 0 ? value + map.shape[axis] : value;
    if (position < 0 || position >= map.shape[axis]) return std::nullopt;  // running the model says so
    picked.push_back(position * stride);
  }
  return rearrange(map, out, source);
}

std::optional<ColumnMap> slice(const Graph& graph, const Node& node, const Shape& out, const ColumnMap& map) {
  const auto starts = constant_integers(graph, node, 1);
  const auto axes = constant_integers(graph, node, 3);
  const auto steps = constant_integers(graph, node, 4);
  if (!starts || !axes || (steps && std::any_of(steps->begin(), steps->end(), [](auto s) { return s != 1; }))) {
    return std::nullopt;
  }
  Source source = same_axes(map, out);
  const Ints strides = dense_strides(map.shape);
  for (std::size_t k = 0; k < axes->size(); ++k) {
    const int axis = normalize_axis((*axes)[k], out.rank());
    const std::int64_t start = (*starts)[k] < 0 ? (*starts)[k] + map.shape[axis] : (*starts)[k];
    source.start += std::clamp<std::int64_t>(start, 0, map.shape[axis]) * strides[static_cast<std::size_t>(axis)];
  }
  return rearrange(map, out, source);
}

ColumnMap split(const TypedGraph& typed, const Node& node, std::size_t output, const ColumnMap& map) {
  const int axis = normalize_axis(attr_int(node, "axis", 0), map.shape.rank());
  std::int64_t start = 0;
  for (std::size_t k = 0; k < output; ++k) start += typed.type(node.outputs[k]).shape[axis];
  const Shape& out = typed.type(node.outputs[output]).shape;
  Source source = same_axes(map, out);
  source.start = start * dense_strides(map.shape)[static_cast<std::size_t>(axis)];
  return rearrange(map, out, source);
}

}  // namespace

ColumnMap last_axis_columns(const Shape& shape) {
  ColumnMap map{shape, std::vector<std::int32_t>(static_cast<std::size_t>(shape.elements()))};
  const auto width = static_cast<std::size_t>(shape.back());
  for (std::size_t i = 0; i < map.columns.size(); ++i) map.columns[i] = static_cast<std::int32_t>(i % width);
  return map;
}

std::optional<ColumnMap> move_columns(const TypedGraph& typed, const Node& node, std::size_t output,
                                      const ColumnMap& map) {
  if (!node.domain.empty()) return std::nullopt;
  constexpr std::array kReshapes = {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"};
  const Shape& out = typed.type(node.outputs[output]).shape;
  if (std::find(kReshapes.begin(), kReshapes.end(), node.op_type) != kReshapes.end()) {
    return ColumnMap{out, map.columns};
  }
  if (node.op_type == "Transpose") return transpose(node, out, map);
  if (node.op_type == "Gather") return gather(typed.graph, node, out, map);
  if (node.op_type == "Slice") return slice(typed.graph, node, out, map);
  if (node.op_type == "Split") return split(typed, node, output, map);
  return std::nullopt;
}

}  // namespace nq
