#include "pipeline/qdq_product.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/onnx_dtype.hpp"

namespace nq {
namespace {

const Tensor* constant_at(const Graph& graph, const Node& node, std::size_t slot) {
  return slot < node.inputs.size() && node.inputs[slot].valid() ? graph.constant(node.inputs[slot]) : nullptr;
}

struct CodeRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

CodeRange range_of(DType type) {
  switch (type) {
    case DType::i8: return {-128, 127};
    case DType::u8: return {0, 255};
    case DType::i16: return {-32768, 32767};
    case DType::u16: return {0, 65535};
    case DType::i4: return {-8, 7};
    case DType::u4: return {0, 15};
    default: return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
  }
}

/// Narrows the range to what a float Clip in front of QuantizeLinear lets through.
void absorb_clip(const Graph& graph, QuantizedOperand& operand) {
  const Node* clip = maker_of(graph, operand.quantize->inputs.front());
  if (clip == nullptr || clip->op_type != "Clip" || operand.scales.size() != 1 || !(operand.scales[0] > 0)) return;
  const Tensor* low = constant_at(graph, *clip, 1);
  const Tensor* high = constant_at(graph, *clip, 2);
  const auto code = [&](const Tensor& limit) {
    const double steps = to_vector<double>(limit.view()).front() / operand.scales[0];
    return static_cast<std::int64_t>(std::nearbyint(std::clamp(steps, -1e6, 1e6))) + operand.zero_points[0];
  };
  if (low != nullptr && low->elements() == 1) operand.code_min = std::max(operand.code_min, code(*low));
  if (high != nullptr && high->elements() == 1) operand.code_max = std::min(operand.code_max, code(*high));
}

void read_parameters(const Graph& graph, const Node& node, QuantizedOperand& operand) {
  if (const Tensor* scale = constant_at(graph, node, 1)) operand.scales = to_vector<double>(scale->view());
  operand.zero_points.assign(std::max<std::size_t>(operand.scales.size(), 1), 0);
  if (const Tensor* zero = constant_at(graph, node, 2)) operand.zero_points = to_vector<std::int64_t>(zero->view());
  operand.has_axis = has_attr(node, "axis");
  operand.axis = attr_int(node, "axis", 1);
}

/// Type of an activation's codes: that of the zero point, uint8 without one.
DType code_type(const Graph& graph, const Node& quantize) {
  const Tensor* zero = constant_at(graph, quantize, 2);
  return zero == nullptr ? DType::u8 : zero->dtype();
}

}  // namespace

const Node* maker_of(const Graph& graph, ValueId value) {
  if (!value.valid() || graph.constant(value) != nullptr || !graph.value(value).producer.valid()) return nullptr;
  const Node& node = graph.node(graph.value(value).producer);
  return node.domain.empty() ? &node : nullptr;
}

const Tensor* stored_constant(const Graph& graph, ValueId value) {
  if (const Tensor* constant = graph.constant(value)) return constant;
  const Node* cast = maker_of(graph, value);
  return cast != nullptr && cast->op_type == "Cast" ? graph.constant(cast->inputs.front()) : nullptr;
}

std::optional<QuantizedOperand> read_operand(const Graph& graph, ValueId value) {
  QuantizedOperand operand;
  const Node* node = maker_of(graph, value);
  while (node != nullptr && node->op_type == "Transpose") {
    operand.transposed = !operand.transposed;
    node = maker_of(graph, node->inputs.front());
  }
  if (node == nullptr || node->op_type != "DequantizeLinear") return std::nullopt;
  operand.dequantize = node;
  read_parameters(graph, *node, operand);
  operand.codes = stored_constant(graph, node->inputs.front());
  const Node* above = maker_of(graph, node->inputs.front());
  if (operand.codes != nullptr) operand.type = above == nullptr ? operand.codes->dtype() : attr_dtype(*above, "to");
  if (above != nullptr && above->op_type == "Clip") {
    operand.integer_clip = true;
    above = maker_of(graph, above->inputs.front());
  }
  if (above != nullptr && above->op_type == "QuantizeLinear") operand.quantize = above;
  if (operand.codes == nullptr) {
    operand.type = operand.quantize != nullptr ? code_type(graph, *operand.quantize) : DType::i32;
  }
  const CodeRange range = range_of(operand.type);
  operand.code_min = range.low;
  operand.code_max = range.high;
  if (operand.quantize != nullptr) absorb_clip(graph, operand);
  return operand;
}

}  // namespace nq
