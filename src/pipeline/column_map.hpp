#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "nq/graph.hpp"
#include "nq/typed_graph.hpp"

namespace nq {

/// For every element of a value, the column of some linear layer's output that it was taken from.
struct ColumnMap {
  Shape shape;
  std::vector<std::int32_t> columns;  ///< row-major
};

/// The map of a layer's own output: the position along the last axis.
ColumnMap last_axis_columns(const Shape& shape);

/// Carries a map through Reshape, Squeeze, Unsqueeze, Flatten, Identity, Transpose, and Gather, Slice or
/// Split at constant positions; `output` is the node's output to follow. Nothing for other operators.
std::optional<ColumnMap> move_columns(const TypedGraph& typed, const Node& node, std::size_t output,
                                      const ColumnMap& map);

}  // namespace nq
