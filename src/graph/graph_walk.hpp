#pragma once

#include <string>

#include "nq/typed_graph.hpp"

namespace nq {

/// A product of two operands: MatMul, Gemm or Conv of the default domain.
bool is_product(const Node& node);

/// Operator that made `value`, skipping shape-only operators; "graph input" or "constant" at the
/// end of the walk. Names the familiar groups behind decomposed exports: "LayerNormalization",
/// "Gelu", "attention".
std::string describe_origin(const TypedGraph& typed, ValueId value);

/// Nodes reachable from each value, summed up as flags.
struct Downstream {
  bool product = false;        ///< a MatMul, Gemm or Conv reads it, directly or later
  bool normalization = false;  ///< a LayerNormalization, or its decomposition, does
};

/// Indexed by ValueId.
std::vector<Downstream> downstream_of(const Graph& graph);

/// Indexed by ValueId: a product lies upstream of the value.
std::vector<bool> has_upstream_product(const Graph& graph);

}  // namespace nq
