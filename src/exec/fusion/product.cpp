#include "exec/fusion/fuse.hpp"
#include "exec/fusion/product_tail.hpp"

namespace nq {
namespace {

/// MatMul(x, W) or Gemm(x, W[, c]) with neutral factors, W constant [k, n] or transposed.
bool is_constant_product(const FusionGraph& graph, const Node& node) {
  if (!is_plain_product(node) || !graph.all_f32(node)) return false;
  const Tensor* weight = graph.constant(node.inputs[1]);
  if (weight == nullptr || weight->shape().rank() != 2 || graph.constant(node.inputs[0]) != nullptr) return false;
  return node.op_type == "Gemm" || graph.shape(node.inputs[0]).rank() >= 2;
}

/// The Gemm's own C as a column bias; false when it is something else.
bool take_gemm_bias(const FusionGraph& graph, const Node& node, std::int64_t columns, ValueId& bias) {
  if (node.op_type != "Gemm" || node.inputs.size() < 3 || !node.inputs[2].valid()) return true;
  const Tensor* c = graph.constant(node.inputs[2]);
  if (c == nullptr || c->elements() != columns || c->shape().back() != columns) return false;
  bias = node.inputs[2];
  return true;
}

}  // namespace

void fuse_product(FusionGraph& graph) {
  for (const NodeId id : graph.order()) {
    const Node& product = graph.node(id);
    if (product.removed || !is_constant_product(graph, product)) continue;
    const bool transposed = has_transposed_weight(product);
    const std::int64_t columns = graph.shape(product.inputs[1])[transposed ? 0 : 1];
    ValueId own_bias;
    if (!take_gemm_bias(graph, product, columns, own_bias)) continue;
    ProductTail tail = follow_product(graph, product, columns, !own_bias.valid());
    if (own_bias.valid()) tail.bias = own_bias;
    Node node = internal_node("FusedMatMul", product);
    node.inputs = {product.inputs[0], product.inputs[1]};
    node.attributes["trans_b"] = std::int64_t{transposed ? 1 : 0};
    attach_tail(tail, node);
    node.outputs = {graph.node(tail.last).outputs.front()};
    graph.replace(tail.last, std::move(node));
  }
}

}  // namespace nq
