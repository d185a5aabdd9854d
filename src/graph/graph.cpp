#include "nq/graph.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace nq {

ValueId Graph::add_value(std::string value_name) {
  const ValueId id{static_cast<std::int32_t>(values_.size())};
  if (!value_name.empty()) {
    const bool inserted = by_name_.emplace(value_name, id).second;
    NQ_CHECK(inserted, input, "value name '{}' is defined twice", value_name);
  }
  Value value;
  value.id = id;
  value.name = std::move(value_name);
  values_.push_back(std::move(value));
  return id;
}

ValueId Graph::add_constant(std::string value_name, Tensor tensor) {
  const ValueId id = add_value(std::move(value_name));
  value(id).constant = std::move(tensor);
  return id;
}

NodeId Graph::add_node(Node new_node) {
  const NodeId id{static_cast<std::int32_t>(nodes_.size())};
  new_node.id = id;
  for (const ValueId output : new_node.outputs) {
    if (!output.valid()) continue;
    Value& made = value(output);
    NQ_CHECK(!made.producer.valid() && !made.constant, input, "value '{}' has two producers", made.name);
    made.producer = id;
  }
  nodes_.push_back(std::move(new_node));
  order_.push_back(id);
  return id;
}

NodeId Graph::insert_node_before(NodeId before, Node new_node) {
  const NodeId id = add_node(std::move(new_node));
  order_.pop_back();
  const auto position = std::find(order_.begin(), order_.end(), before);
  NQ_ASSERT(position != order_.end());
  order_.insert(position, id);
  return id;
}

std::vector<NodeId> Graph::order() const {
  std::vector<NodeId> live;
  live.reserve(order_.size());
  for (const NodeId id : order_) {
    if (!node(id).removed) live.push_back(id);
  }
  return live;
}

const Tensor* Graph::constant(ValueId id) const {
  if (!id.valid()) return nullptr;
  const auto& constant = value(id).constant;
  return constant ? &*constant : nullptr;
}

bool Graph::is_graph_output(ValueId id) const {
  return std::find(outputs.begin(), outputs.end(), id) != outputs.end();
}

std::optional<ValueId> Graph::find_value(std::string_view value_name) const {
  const auto it = by_name_.find(value_name);
  if (it == by_name_.end()) return std::nullopt;
  return it->second;
}

std::vector<std::vector<NodeId>> Graph::uses() const {
  std::vector<std::vector<NodeId>> readers(values_.size());
  for (const NodeId id : order_) {
    if (node(id).removed) continue;
    for (const ValueId input : node(id).inputs) {
      if (input.valid()) readers[static_cast<std::size_t>(input.index)].push_back(id);
    }
  }
  return readers;
}

void Graph::replace_uses(ValueId from, ValueId to) {
  for (Node& reader : nodes_) {
    if (!reader.removed) std::replace(reader.inputs.begin(), reader.inputs.end(), from, to);
  }
  std::replace(outputs.begin(), outputs.end(), from, to);
}

void Graph::remove_node(NodeId id) {
  Node& dead = node(id);
  dead.removed = true;
  for (const ValueId output : dead.outputs) {
    if (output.valid()) value(output).producer = NodeId{};
  }
}

void Graph::validate() const {
  const auto in_range = [this](ValueId id) { return id.index < static_cast<std::int32_t>(values_.size()); };
  std::vector<bool> defined(values_.size(), false);
  for (const Value& item : values_) {
    if (item.constant) defined[static_cast<std::size_t>(item.id.index)] = true;
  }
  for (const ValueId input : inputs) {
    NQ_ASSERT(input.valid() && in_range(input));
    defined[static_cast<std::size_t>(input.index)] = true;
  }
  for (const NodeId id : order_) {
    const Node& current = node(id);
    if (current.removed) continue;
    for (const ValueId input : current.inputs) {
      NQ_ASSERT(in_range(input));
      NQ_CHECK(!input.valid() || defined[static_cast<std::size_t>(input.index)], input,
               "node '{}' ({}) reads '{}', which nothing before it defines", current.display_name(),
               current.op_type, value(input).name);
    }
    for (const ValueId output : current.outputs) {
      if (!output.valid()) continue;
      NQ_ASSERT(in_range(output));
      NQ_CHECK(!defined[static_cast<std::size_t>(output.index)], input, "node '{}' ({}) defines '{}' once more",
               current.display_name(), current.op_type, value(output).name);
      defined[static_cast<std::size_t>(output.index)] = true;
    }
  }
  for (const ValueId output : outputs) {
    NQ_ASSERT(output.valid() && in_range(output));
    NQ_CHECK(defined[static_cast<std::size_t>(output.index)], input, "graph output '{}' is never computed",
             value(output).name);
  }
}

}  // namespace nq
