#pragma once

#include <string>
#include <utility>
#include <vector>

#include "nq/graph.hpp"

namespace nq::test {

/// Appends `op` reading and making the named values; unknown inputs become undefined values,
/// an empty name stands for an omitted input or output.
inline NodeId add(Graph& graph, const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs) {
  const auto id_of = [&graph](const std::string& name) {
    if (name.empty()) return ValueId{};
    const auto known = graph.find_value(name);
    return known ? *known : graph.add_value(name);
  };
  Node node;
  node.op_type = op;
  node.opset = 17;
  node.origin = outputs.empty() ? "" : outputs.front();
  for (const auto& name : inputs) node.inputs.push_back(id_of(name));
  for (const auto& name : outputs) node.outputs.push_back(id_of(name));
  return graph.add_node(std::move(node));
}

inline ValueId add_input(Graph& graph, const std::string& name) {
  const ValueId id = graph.add_value(name);
  graph.inputs.push_back(id);
  return id;
}

inline void add_output(Graph& graph, const std::string& name) {
  graph.outputs.push_back(*graph.find_value(name));
}

/// "Add(x,y)->z; Relu(z)->w" of the live nodes in execution order; outputs as "=> w".
inline std::string text_of(const Graph& graph) {
  const auto names = [&graph](const std::vector<ValueId>& ids) {
    std::string text;
    for (const ValueId id : ids) text += (id.valid() ? graph.value(id).name : "") + ",";
    if (!text.empty()) text.pop_back();
    return text;
  };
  std::string text;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    text += node.op_type + "(" + names(node.inputs) + ")->" + names(node.outputs) + "; ";
  }
  return text + "=> " + names(graph.outputs);
}

}  // namespace nq::test
