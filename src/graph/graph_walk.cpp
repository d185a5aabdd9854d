#include "graph/graph_walk.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace nq {
namespace {

bool is_one_of(const Node& node, std::initializer_list<std::string_view> types) {
  return node.domain.empty() && std::find(types.begin(), types.end(), node.op_type) != types.end();
}

bool is_shape_only(const Node& node) {
  return is_one_of(node, {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Slice", "Split",
                          "Gather", "Concat", "Pad", "Cast", "Dropout", "Expand"});
}

const Node* producer(const Graph& graph, ValueId value) {
  if (!value.valid()) return nullptr;
  const NodeId id = graph.value(value).producer;
  return id.valid() ? &graph.node(id) : nullptr;
}

/// Producer of the first input that is not a constant.
const Node* data_producer(const Graph& graph, const Node& node) {
  for (const ValueId input : node.inputs) {
    if (input.valid() && graph.constant(input) == nullptr) return producer(graph, input);
  }
  return nullptr;
}

/// Whether one of `types` is found within `depth` steps up from `node`, over elementwise nodes.
bool reaches(const Graph& graph, const Node& node, std::string_view type, int depth) {
  if (node.op_type == type) return true;
  if (depth == 0) return false;
  for (const ValueId input : node.inputs) {
    const Node* up = producer(graph, input);
    const bool elementwise = up != nullptr && (up->op_type == type ||
        is_one_of(*up, {"Add", "Sub", "Mul", "Div", "Sqrt", "Pow", "Erf", "Tanh", "Sigmoid", "Reciprocal"}));
    if (elementwise && reaches(graph, *up, type, depth - 1)) return true;
  }
  return false;
}

std::string classify(const Graph& graph, const Node& node) {
  // Longest chains of the exporters: x * 0.5 * (1 + erf(x / sqrt 2)), and
  // gamma * (x - mean) / sqrt(var + eps) + beta.
  if (is_one_of(node, {"Mul", "Div"}) && reaches(graph, node, "Erf", 4)) return "Gelu";
  if (is_one_of(node, {"Mul"}) && reaches(graph, node, "Tanh", 4)) return "Gelu";
  if (is_one_of(node, {"Add", "Mul", "Div"}) && reaches(graph, node, "Sqrt", 4)) return "LayerNormalization";
  if (is_one_of(node, {"MatMul"})) {
    const Node* left = data_producer(graph, node);
    const bool attends = left != nullptr && (left->op_type == "Softmax" || reaches(graph, *left, "Softmax", 2));
    return attends ? "attention" : "MatMul";
  }
  return node.op_type;
}

}  // namespace

bool is_product(const Node& node) { return is_one_of(node, {"MatMul", "Gemm", "Conv"}); }

std::string describe_origin(const TypedGraph& typed, ValueId value) {
  const Graph& graph = typed.graph;
  if (graph.constant(value) != nullptr) return "constant";
  const Node* node = producer(graph, value);
  while (node != nullptr && is_shape_only(*node)) node = data_producer(graph, *node);
  return node == nullptr ? "graph input" : classify(graph, *node);
}

std::vector<Downstream> downstream_of(const Graph& graph) {
  std::vector<Downstream> flags(graph.num_values());
  std::vector<NodeId> order = graph.order();
  std::reverse(order.begin(), order.end());
  for (const NodeId id : order) {
    const Node& node = graph.node(id);
    Downstream below;
    for (const ValueId output : node.outputs) {
      if (!output.valid()) continue;
      const Downstream& flag = flags[static_cast<std::size_t>(output.index)];
      below.product = below.product || flag.product;
      below.normalization = below.normalization || flag.normalization;
    }
    below.product = below.product || is_product(node);
    below.normalization = below.normalization || is_one_of(node, {"LayerNormalization", "RMSNormalization", "Sqrt"});
    for (const ValueId input : node.inputs) {
      if (!input.valid()) continue;
      Downstream& flag = flags[static_cast<std::size_t>(input.index)];
      flag.product = flag.product || below.product;
      flag.normalization = flag.normalization || below.normalization;
    }
  }
  return flags;
}

std::vector<bool> has_upstream_product(const Graph& graph) {
  std::vector<bool> flags(graph.num_values(), false);
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    const bool above = is_product(node) || std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
      return input.valid() && flags[static_cast<std::size_t>(input.index)];
    });
    for (const ValueId output : node.outputs) {
      if (output.valid()) flags[static_cast<std::size_t>(output.index)] = above;
    }
  }
  return flags;
}

}  // namespace nq
