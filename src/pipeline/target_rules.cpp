#include "pipeline/target_rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nq {
namespace {

bool is_byte(DType type) { return type == DType::i8 || type == DType::u8; }

bool all_zero(const std::vector<std::int64_t>& values) {
  return std::all_of(values.begin(), values.end(), [](std::int64_t value) { return value == 0; });
}

/// What every target asks of the two operands.
std::string check_operands(const ProductContext& product) {
  if (!product.left) return "its activation is float: the weight is turned back into float (or requantized at run time)";
  if (!product.right) return "only its activation is quantized";
  for (const auto& [operand, which] : {std::pair(&*product.left, "activation"), std::pair(&*product.right, "weight")}) {
    if (!is_byte(operand->type)) return fmt::format("its {} is {}, not 8 bits", which, to_string(operand->type));
    if (operand->scales.empty()) return fmt::format("the scale of its {} is not constant", which);
    if (!operand->is_constant() && operand->scales.size() > 1) return fmt::format("its {} has a scale per channel", which);
  }
  if (product.left->transposed) return "a Transpose lies between DequantizeLinear and the product";
  return {};
}

/// MatMulAddFusion makes a float Gemm of a product and a bias that it takes for one (docs/adr/0003).
std::string check_float_bias(const ProductContext& product) {
  if (product.bias_add == nullptr) return {};
  const Shape& bias = product.bias->shape();
  const bool is_vector = bias.rank() == 1 || (bias.rank() == 2 && bias[0] == 1);
  if (!is_vector || product.left_rank < 2) return {};
  const bool merges = product.left_rank == 2 || (product.is_static && bias.rank() == 1);
  return merges ? fmt::format("ONNX Runtime merges it with the bias of shape {} into a float Gemm", to_string(bias)) : std::string();
}

std::string check_gemm_bias(const ProductContext& product) {
  const Node& gemm = *product.node;
  if (gemm.inputs.size() < 3 || !gemm.inputs[2].valid()) return {};
  if (attr_float(gemm, "alpha", 1.0F) != 1.0F || attr_float(gemm, "beta", 1.0F) != 1.0F) {
    return "it has a bias, and its alpha or beta is not 1";
  }
  const auto bias = read_operand(*product.graph, gemm.inputs[2]);
  if (!bias || bias->type != DType::i32) return "its bias C is float: QGemm takes int32 behind DequantizeLinear, or none";
  return {};
}

std::string why_float_ort(const ProductContext& product) {
  const QuantizedOperand& x = *product.left;
  if (x.type == DType::i8 && product.right->type != DType::i8) return "its activation is int8 and its weight is not";
  if (x.integer_clip && x.type == DType::i8) return "an integer Clip lies between QuantizeLinear and DequantizeLinear of int8";
  if (product.is_graph_output) return "its output is an output of the model";
  if (product.node->op_type == "Conv") {
    return product.output_is_quantized ? std::string() : "a Conv runs on integers only when its output is quantized";
  }
  return product.node->op_type == "Gemm" ? check_gemm_bias(product) : check_float_bias(product);
}

std::string why_float_tensorrt(const ProductContext& product) {
  for (const QuantizedOperand* operand : {&*product.left, &*product.right}) {
    if (operand->type != DType::i8) return fmt::format("TensorRT takes int8, and it has {}", to_string(operand->type));
    if (operand->is_constant() && operand->codes->dtype() != operand->type) {
      return fmt::format("TensorRT takes int8 codes as stored, and they are {}", to_string(operand->codes->dtype()));
    }
    if (!all_zero(operand->zero_points)) return "TensorRT takes zero points of 0";
    if (operand->integer_clip) return "TensorRT takes Clip on float alone";
  }
  const bool has_bias = product.node->op_type == "Gemm" && product.node->inputs.size() > 2 && product.node->inputs[2].valid();
  if (has_bias && read_operand(*product.graph, product.node->inputs[2])) return "TensorRT takes no quantized bias";
  return {};
}

/// Axis of the stored weight along which its output channels run.
std::int64_t output_axis(const ProductContext& product) {
  if (product.node->op_type == "Conv") return 0;
  const bool by_attribute = product.node->op_type == "Gemm" && attr_int(*product.node, "transB", 0) != 0;
  return by_attribute != product.right->transposed ? 0 : 1;
}

}  // namespace

std::string wrong_weight_axis(const ProductContext& product) {
  if (!product.right) return {};
  const QuantizedOperand& weight = *product.right;
  if (weight.scales.size() < 2 || weight.codes == nullptr) return {};
  const auto rank = static_cast<std::int64_t>(weight.codes->shape().rank());
  const std::int64_t axis = weight.axis < 0 ? weight.axis + rank : weight.axis;
  if (axis == output_axis(product)) return {};
  return fmt::format("its weight has a scale per index of axis {}, which is no output channel", weight.axis);
}

std::string why_float(const ProductContext& product, Target target) {
  std::string reason = check_operands(product);
  const bool all = target == Target::portable;
  if (reason.empty() && (all || target == Target::ort_cpu)) reason = why_float_ort(product);
  if (reason.empty() && (all || target == Target::tensorrt)) reason = why_float_tensorrt(product);
  // OpenVINO takes every form that check_operands() lets through (tests/oracle/openvino_forms.py).
  return reason;
}

}  // namespace nq
