#include "pipeline/file_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "pipeline/qdq_product.hpp"

namespace nq {
namespace {

/// IR version that came with each opset; a smaller one does not know the opset's types.
std::int64_t smallest_ir_version(int opset) {
  if (opset >= 25) return 13;
  if (opset >= 24) return 12;
  if (opset >= 23) return 11;
  if (opset >= 21) return 10;
  if (opset >= 19) return 9;
  if (opset >= 15) return 8;
  if (opset >= 12) return 7;
  return opset >= 11 ? 6 : 5;
}

int smallest_opset(DType type, bool per_channel) {
  switch (type) {
    case DType::i4:
    case DType::u4:
    case DType::i16:
    case DType::u16: return 21;
    default: return per_channel ? 13 : 10;
  }
}

class FileRules {
 public:
  FileRules(const Graph& graph, Verification& verification) : graph_(graph), result_(verification) {}

  void run() {
    if (result_.ir_version < smallest_ir_version(result_.opset)) {
      add(Severity::error, "", "opset {} needs IR version {}, the file has {}", result_.opset,
          smallest_ir_version(result_.opset), result_.ir_version);
    }
    for (const NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      if (!node.domain.empty()) continue;
      if (node.op_type == "DequantizeLinear") check(node, *read_operand(graph_, node.outputs.front()));
      if (node.op_type == "QuantizeLinear") check_pairing(node);
    }
  }

 private:
  template <typename... Args>
  void add(Severity severity, const std::string& node, fmt::format_string<Args...> format, Args&&... args) {
    result_.findings.push_back({severity, node, fmt::format(format, std::forward<Args>(args)...)});
  }

  bool is_for(Target target) const { return result_.target == target || result_.target == Target::portable; }

  void check(const Node& node, const QuantizedOperand& operand) {
    const std::string& name = node.display_name();
    const bool per_channel = operand.scales.size() > 1;
    const int opset = smallest_opset(operand.type, per_channel);
    if (result_.opset < opset) {
      add(Severity::error, name, "{} codes{} need opset {}, the file has {}", to_string(operand.type),
          per_channel ? " with a scale per channel" : "", opset, result_.opset);
    }
    if (per_channel && !operand.has_axis) add(Severity::warning, name, "the axis of its scales is not written; 1 is meant");
    if (operand.zero_points.size() > 1 && operand.zero_points.size() != operand.scales.size()) {
      add(Severity::error, name, "it has {} scales and {} zero points", operand.scales.size(), operand.zero_points.size());
    }
    check_scales(name, operand);
    check_target(name, operand);
  }

  void check_scales(const std::string& name, const QuantizedOperand& operand) {
    const auto bad = std::count_if(operand.scales.begin(), operand.scales.end(),
                                   [](double scale) { return !(scale > 0) || !std::isfinite(scale); });
    if (bad > 0) add(Severity::error, name, "{} of its {} scales are not positive numbers", bad, operand.scales.size());
    const auto tiny = std::count_if(operand.scales.begin(), operand.scales.end(), [](double scale) {
      return scale > 0 && scale < static_cast<double>(std::numeric_limits<float>::min());
    });
    if (tiny > 0) add(Severity::warning, name, "{} of its scales are denormal; runtimes may take them for 0", tiny);
  }

  void check_target(const std::string& name, const QuantizedOperand& operand) {
    if (!is_for(Target::tensorrt)) return;
    if (operand.type == DType::u8) add(Severity::error, name, "TensorRT takes no uint8");
    if (operand.type == DType::i32) add(Severity::error, name, "TensorRT takes no DequantizeLinear of int32");
    const bool zero = std::all_of(operand.zero_points.begin(), operand.zero_points.end(), [](auto point) { return point == 0; });
    if (!zero) add(Severity::error, name, "TensorRT takes zero points of 0");
  }

  /// A quantizer and its dequantizers must agree, or codes mean something else.
  void check_pairing(const Node& quantize) {
    const auto parameters = [&](const Node& node, std::size_t slot) -> const Tensor* {
      return slot < node.inputs.size() && node.inputs[slot].valid() ? graph_.constant(node.inputs[slot]) : nullptr;
    };
    for (const NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      if (node.op_type != "DequantizeLinear" || node.inputs.front() != quantize.outputs.front()) continue;
      for (const std::size_t slot : {1U, 2U}) {
        const Tensor* a = parameters(quantize, slot);
        const Tensor* b = parameters(node, slot);
        const bool same = (a == nullptr && b == nullptr) ||
                          (a != nullptr && b != nullptr && to_vector<double>(a->view()) == to_vector<double>(b->view()));
        if (!same) add(Severity::error, node.display_name(), "its {} differs from that of '{}'", slot == 1 ? "scale" : "zero point", quantize.display_name());
      }
    }
  }

  const Graph& graph_;
  Verification& result_;
};

}  // namespace

void check_file_rules(const Graph& graph, Verification& verification) { FileRules(graph, verification).run(); }

}  // namespace nq
