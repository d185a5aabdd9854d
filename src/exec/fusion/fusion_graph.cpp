#include "exec/fusion/fusion_graph.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "graph/passes/passes.hpp"

namespace nq {

FusionGraph::FusionGraph(TypedGraph& typed, std::vector<bool> pinned) : typed_(typed), pinned_(std::move(pinned)) {
  for (const ValueId output : typed_.graph.outputs) pinned_[static_cast<std::size_t>(output.index)] = true;
  refresh();
}

void FusionGraph::refresh() {
  eliminate_dead(typed_.graph, pinned_);
  uses_ = typed_.graph.uses();
}

const Node* FusionGraph::producer(ValueId value) const {
  if (!value.valid()) return nullptr;
  const NodeId id = typed_.graph.value(value).producer;
  return id.valid() ? &typed_.graph.node(id) : nullptr;
}

const Node* FusionGraph::made_by(ValueId value, std::string_view op_type) const {
  const Node* node = producer(value);
  return node != nullptr && node->domain.empty() && node->op_type == op_type ? node : nullptr;
}

std::size_t FusionGraph::num_readers(ValueId value) const {
  return uses_[static_cast<std::size_t>(value.index)].size();
}

const Node* FusionGraph::sole_reader(ValueId value) const {
  const auto& readers = uses_[static_cast<std::size_t>(value.index)];
  if (readers.size() != 1 || is_pinned(value)) return nullptr;
  const Node& reader = typed_.graph.node(readers.front());
  return reader.removed ? nullptr : &reader;
}

std::optional<float> FusionGraph::scalar(ValueId value) const {
  const Tensor* tensor = constant(value);
  if (tensor == nullptr || tensor->dtype() != DType::f32 || tensor->elements() != 1) return std::nullopt;
  return tensor->span<float>()[0];
}

std::optional<ValueId> FusionGraph::other_input(const Node& node, ValueId known) {
  if (node.inputs.size() != 2) return std::nullopt;
  if (node.inputs[0] == known) return node.inputs[1];
  if (node.inputs[1] == known) return node.inputs[0];
  return std::nullopt;
}

bool FusionGraph::all_f32(const Node& node) const {
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId input) { return !input.valid() || type(input).dtype == DType::f32; });
}

void FusionGraph::replace(NodeId last, Node replacement) {
  NQ_ASSERT(typed_.graph.node(last).outputs.size() >= replacement.outputs.size());
  typed_.graph.remove_node(last);
  typed_.graph.insert_node_before(last, std::move(replacement));
}

Node internal_node(std::string_view op_type, const Node& like) {
  Node node;
  node.op_type = op_type;
  node.domain = "nq";
  node.opset = 1;
  node.name = like.name;
  node.origin = like.origin;
  return node;
}

}  // namespace nq
