#include "pipeline/column_map.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>

namespace nq {
namespace {

using Ints = std::vector<std::int64_t>;

/// Elements of `out` in order; `source` tells the coordinates of each in the old map.
ColumnMap rearrange(const ColumnMap& map, const Shape& out, const std::function<void(Ints&)>& source) {
  ColumnMap moved{out, std::vector<std::int32_t>(static_cast<std::size_t>(out.elements()))};
  Ints at(static_cast<std::size_t>(out.rank()), 0);
  for (std::int32_t& column : moved.columns) {
    Ints from = at;
    source(from);
    std::int64_t offset = 0;
    for (int axis = 0; axis < map.shape.rank(); ++axis) {
      offset = offset * map.shape[axis] + from[static_cast<std::size_t>(axis)];
    }
    column = map.columns[static_cast<std::size_t>(offset)];
    for (int axis = out.rank() - 1; axis >= 0; --axis) {
      if (++at[static_cast<std::size_t>(axis)] < out[axis]) break;
      at[static_cast<std::size_t>(axis)] = 0;
    }
  }
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
  return rearrange(map, out, [&](Ints& at) {
    Ints from(at.size());
    for (std::size_t axis = 0; axis < at.size(); ++axis) from[static_cast<std::size_t>(perm[axis])] = at[axis];
    at = std::move(from);
  });
}

std::optional<ColumnMap> gather(const Graph& graph, const Node& node, const Shape& out, const ColumnMap& map) {
  const auto positions = constant_integers(graph, node, 1);
  const int axis = normalize_axis(attr_int(node, "axis", 0), map.shape.rank());
  const bool scalar = out.rank() == map.shape.rank() - 1;
  if (!positions || (!scalar && out.rank() != map.shape.rank()) || (scalar && positions->size() != 1)) return std::nullopt;
  const auto position = [&](std::int64_t index) {
    const std::int64_t value = (*positions)[static_cast<std::size_t>(index)];
    return value < 0 ? value + map.shape[axis] : value;
  };
  return rearrange(map, out, [&](Ints& at) {
    if (scalar) at.insert(at.begin() + axis, position(0));
    else at[static_cast<std::size_t>(axis)] = position(at[static_cast<std::size_t>(axis)]);
  });
}

std::optional<ColumnMap> slice(const Graph& graph, const Node& node, const Shape& out, const ColumnMap& map) {
  const auto starts = constant_integers(graph, node, 1);
  const auto axes = constant_integers(graph, node, 3);
  const auto steps = constant_integers(graph, node, 4);
  if (!starts || !axes || (steps && std::any_of(steps->begin(), steps->end(), [](auto s) { return s != 1; }))) {
    return std::nullopt;
  }
  Ints shift(static_cast<std::size_t>(out.rank()), 0);
  for (std::size_t k = 0; k < axes->size(); ++k) {
    const int axis = normalize_axis((*axes)[k], out.rank());
    const std::int64_t start = (*starts)[k];
    shift[static_cast<std::size_t>(axis)] = start < 0 ? start + map.shape[axis] : start;
  }
  return rearrange(map, out, [&](Ints& at) {
    for (std::size_t axis = 0; axis < at.size(); ++axis) at[axis] += shift[axis];
  });
}

ColumnMap split(const TypedGraph& typed, const Node& node, std::size_t output, const ColumnMap& map) {
  const int axis = normalize_axis(attr_int(node, "axis", 0), map.shape.rank());
  std::int64_t start = 0;
  for (std::size_t k = 0; k < output; ++k) start += typed.type(node.outputs[k]).shape[axis];
  return rearrange(map, typed.type(node.outputs[output]).shape,
                   [&](Ints& at) { at[static_cast<std::size_t>(axis)] += start; });
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
