#include <algorithm>

#include "graph/passes/passes.hpp"

namespace nq {

void eliminate_dead(Graph& graph, const std::vector<bool>& keep) {
  std::vector<bool> live = keep;
  live.resize(graph.num_values(), false);
  const auto mark = [&live](ValueId id) {
    if (id.valid()) live[static_cast<std::size_t>(id.index)] = true;
  };
  std::for_each(graph.outputs.begin(), graph.outputs.end(), mark);
  std::vector<NodeId> order = graph.order();
  std::reverse(order.begin(), order.end());
  for (const NodeId id : order) {
    const Node& node = graph.node(id);
    const bool needed = std::any_of(node.outputs.begin(), node.outputs.end(), [&live](ValueId output) {
      return output.valid() && live[static_cast<std::size_t>(output.index)];
    });
    if (needed) {
      std::for_each(node.inputs.begin(), node.inputs.end(), mark);
    } else {
      graph.remove_node(id);
    }
  }
}

}  // namespace nq
