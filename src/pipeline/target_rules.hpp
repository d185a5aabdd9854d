#pragma once

#include <optional>
#include <string>

#include "nq/graph.hpp"
#include "nq/verify.hpp"
#include "pipeline/qdq_product.hpp"

namespace nq {

/// One product and what surrounds it.
struct ProductContext {
  const Graph* graph = nullptr;
  const Node* node = nullptr;
  std::optional<QuantizedOperand> left;
  std::optional<QuantizedOperand> right;
  int left_rank = -1;                ///< of the left operand; -1 when not known
  bool is_static = false;            ///< all input dimensions of the model are fixed
  bool output_is_quantized = false;  ///< QuantizeLinear is the only reader
  bool is_graph_output = false;
  const Node* bias_add = nullptr;    ///< Add of a constant that is its only reader
  const Tensor* bias = nullptr;      ///< constant of bias_add
};

/// Why `target` computes the product in float; empty when it has an int8 kernel for it. The left operand or the
/// right one comes from DequantizeLinear.
std::string why_float(const ProductContext& product, Target target);

/// Says when the weight's scales run along another axis than its output channels: no integer product can apply them,
/// and runtimes compute something else. Empty otherwise.
std::string wrong_weight_axis(const ProductContext& product);

}  // namespace nq
