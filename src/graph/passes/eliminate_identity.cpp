#include <vector>

#include "graph/passes/passes.hpp"

namespace nq {
namespace {

/// y = Identity(x) with both ends named; anything else is left for the operator itself to refuse.
bool is_plain_identity(const Node& node) {
  return node.op_type == "Identity" && node.domain.empty() && node.inputs.size() == 1 &&
         node.outputs.size() == 1 && node.inputs.front().valid() && node.outputs.front().valid();
}

}  // namespace

void eliminate_identity(Graph& graph) {
  // One sweep in topological order: the source of an Identity is final when its readers are seen.
  std::vector<ValueId> source(graph.num_values());
  for (std::size_t value = 0; value < source.size(); ++value)
    source[value] = ValueId{static_cast<std::int32_t>(value)};
  for (const NodeId id : graph.order()) {
    Node& node = graph.node(id);
    for (ValueId& input : node.inputs) {
      if (input.valid()) input = source[static_cast<std::size_t>(input.index)];
    }
    if (!is_plain_identity(node) || graph.is_graph_output(node.outputs.front())) continue;
    source[static_cast<std::size_t>(node.outputs.front().index)] = node.inputs.front();
    graph.remove_node(id);
  }
}

}  // namespace nq
