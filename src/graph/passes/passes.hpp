#pragma once

#include "nq/graph.hpp"

namespace nq {

/// Before: y = Identity(x). After: readers of y read x. Keeps an Identity that feeds a graph
/// output, whose name must survive.
void eliminate_identity(Graph& graph);

/// Before: nodes whose outputs nothing reads. After: they are gone, and so are their inputs.
/// Values flagged in `keep`, indexed by ValueId, count as read.
void eliminate_dead(Graph& graph, const std::vector<bool>& keep = {});

}  // namespace nq
