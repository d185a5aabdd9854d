#include "exec/fusion/product_tail.hpp"

namespace nq {
namespace {

bool is_column_vector(const FusionGraph& graph, ValueId value, std::int64_t columns) {
  const Tensor* constant = graph.constant(value);
  return constant != nullptr && constant->dtype() == DType::f32 && constant->elements() == columns &&
         constant->shape().rank() > 0 && constant->shape().back() == columns;
}

}  // namespace

bool is_plain_product(const Node& node) {
  if (!node.domain.empty()) return false;
  if (node.op_type == "MatMul") return true;
  return node.op_type == "Gemm" && attr_int(node, "transA", 0) == 0 && attr_float(node, "alpha", 1.0F) == 1.0F &&
         attr_float(node, "beta", 1.0F) == 1.0F;
}

bool has_transposed_weight(const Node& node) { return node.op_type == "Gemm" && attr_int(node, "transB", 0) != 0; }

ProductTail follow_product(const FusionGraph& graph, const Node& product, std::int64_t columns, bool bias_allowed) {
  ProductTail tail;
  tail.last = product.id;
  const auto next = [&](std::string_view op_type) -> const Node* {
    const Node* reader = graph.sole_reader(graph.node(tail.last).outputs.front());
    return reader != nullptr && reader->domain.empty() && reader->op_type == op_type ? reader : nullptr;
  };
  const auto addend = [&](const Node& add) {
    return FusionGraph::other_input(add, graph.node(tail.last).outputs.front());
  };
  const auto same_type = [&](const Node& reader) {
    return graph.type(reader.outputs.front()) == graph.type(product.outputs.front());
  };
  if (const Node* add = next("Add"); bias_allowed && add != nullptr && same_type(*add)) {
    const auto other = addend(*add);
    if (other && is_column_vector(graph, *other, columns)) {
      tail.bias = *other;
      tail.last = add->id;
    }
  }
  if (const Node* gelu = next("Gelu")) {
    tail.activation = attr_string(*gelu, "approximate", "none") == "tanh" ? "gelu_tanh" : "gelu_erf";
    tail.last = gelu->id;
  } else if (const Node* relu = next("Relu")) {
    tail.activation = "relu";
    tail.last = relu->id;
  }
  if (const Node* add = next("Add"); add != nullptr && same_type(*add)) {
    const auto other = addend(*add);
    if (other && graph.type(*other) == graph.type(product.outputs.front())) {
      tail.residual = *other;
      tail.last = add->id;
    }
  }
  return tail;
}

void attach_tail(const ProductTail& tail, Node& node) {
  if (tail.bias.valid() || tail.residual.valid()) node.inputs.push_back(tail.bias);
  if (tail.residual.valid()) node.inputs.push_back(tail.residual);
  node.attributes["activation"] = tail.activation;
}

}  // namespace nq
