#pragma once

#include <optional>
#include <string>

#include "exec/fusion/fusion_graph.hpp"

namespace nq {

/// What follows a product and can ride on its stores: bias, activation, residual, in this order.
struct ProductTail {
  NodeId last;                 ///< the node whose output the fused node takes over
  ValueId bias;                ///< constant with one value per column; invalid for none
  std::string activation = "none";
  ValueId residual;            ///< of the output's type; invalid for none
};

/// MatMul, or a Gemm whose factors are 1 and whose A is not transposed, of the default domain.
bool is_plain_product(const Node& node);

/// The constant operand is stored [columns, depth].
bool has_transposed_weight(const Node& node);

/// Follows the sole readers of `product`'s output. `bias_allowed` is false when it has one already.
ProductTail follow_product(const FusionGraph& graph, const Node& product, std::int64_t columns, bool bias_allowed);

/// Appends bias and residual to a fused node's inputs, with a gap where there is no bias.
void attach_tail(const ProductTail& tail, Node& node);

}  // namespace nq
