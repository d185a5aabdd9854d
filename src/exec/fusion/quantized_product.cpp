#include "exec/fusion/fuse.hpp"
#include "exec/fusion/product_tail.hpp"
#include "exec/fusion/qdq_match.hpp"

namespace nq {
namespace {

bool has_no_addend(const Node& node) { return node.inputs.size() < 3 || !node.inputs[2].valid(); }

}  // namespace

void fuse_quantized_product(FusionGraph& graph) {
  const QdqMatcher matcher(graph);
  for (const NodeId id : graph.order()) {
    const Node& product = graph.node(id);
    if (product.removed || !is_plain_product(product) || !has_no_addend(product)) continue;
    const bool transposed = has_transposed_weight(product);
    const auto activation = matcher.activation(product.inputs[0]);
    const auto weight = matcher.weight(product.inputs[1], transposed);
    if (!activation || !weight) continue;
    const std::int64_t columns = graph.shape(product.inputs[1])[transposed ? 0 : 1];
    const ProductTail tail = follow_product(graph, product, columns, true);
    Node node = internal_node("QuantizedMatMul", product);
    node.inputs = {activation->x, weight->codes, weight->scale};
    node.attributes["x_scale"] = activation->scale;
    node.attributes["x_zero"] = activation->zero_point;
    node.attributes["qmin"] = activation->qmin;
    node.attributes["qmax"] = activation->qmax;
    node.attributes["w_zero"] = weight->zero_point;
    node.attributes["trans_b"] = std::int64_t{transposed ? 1 : 0};
    attach_tail(tail, node);
    node.outputs = {graph.node(tail.last).outputs.front()};
    graph.replace(tail.last, std::move(node));
  }
}

}  // namespace nq
