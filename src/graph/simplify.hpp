#pragma once

#include "nq/graph.hpp"

namespace nq {

/// Runs the clean-up passes that need no shapes, in their one fixed order.
void simplify(Graph& graph);

}  // namespace nq
