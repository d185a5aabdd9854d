#pragma once

#include "exec/promotion.hpp"
#include "nq/typed_graph.hpp"

namespace nq {

/// Types and constants of a node's inputs, and its definition. Throws Error(unsupported) when the
/// operator is not known.
NodeBinding bind_inputs(const TypedGraph& typed, const Node& node, const OpRegistry& ops);

/// Whether every output is known before running and small enough to keep.
bool can_fold(const TypedGraph& typed, const Node& node);

/// Runs the node now and turns its outputs into constants.
void fold_node(TypedGraph& typed, NodeId id, const NodeBinding& bound);

/// Folds every node that can be, in execution order; types must be inferred.
void fold_constants(TypedGraph& typed, const OpRegistry& ops);

}  // namespace nq
