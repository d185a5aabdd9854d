#include "graph/passes/passes.hpp"

namespace nq {

void eliminate_identity(Graph& graph) {
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op_type != "Identity" || !node.domain.empty()) continue;
    const ValueId from = node.outputs.front();
    if (graph.is_graph_output(from)) continue;
    graph.replace_uses(from, node.inputs.front());
    graph.remove_node(id);
  }
}

}  // namespace nq
