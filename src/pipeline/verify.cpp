#include "nq/verify.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "core/check.hpp"
#include "graph/graph_walk.hpp"
#include "nq/executor.hpp"
#include "nq/image_input.hpp"
#include "pipeline/file_rules.hpp"
#include "pipeline/image_runner.hpp"
#include "pipeline/pair_saturation.hpp"
#include "pipeline/target_rules.hpp"

namespace nq {
namespace {

constexpr std::array<std::pair<Target, std::string_view>, 4> kTargets = {{{Target::portable, "portable"},
                                                                          {Target::ort_cpu, "ort-cpu"},
                                                                          {Target::tensorrt, "tensorrt"},
                                                                          {Target::openvino, "openvino"}}};

bool is_fixed(const Graph& graph) {
  return std::all_of(graph.inputs.begin(), graph.inputs.end(), [&](ValueId id) {
    const auto& declared = graph.value(id).declared;
    return declared && declared->has_shape &&
           std::all_of(declared->dims.begin(), declared->dims.end(), [](const Dim& dim) { return dim.is_static(); });
  });
}

Specialization image_shapes(const Graph& graph) { return specialize_images(find_image_input(graph)); }

/// Every open dimension 1.
Specialization smallest_shapes(const Graph& graph) {
  Specialization spec;
  for (const ValueId id : graph.inputs) {
    const auto& declared = graph.value(id).declared;
    NQ_CHECK(declared && declared->has_shape, unsupported, "an input has no shape");
    Shape shape;
    for (const Dim& dim : declared->dims) shape.push_back(dim.is_static() ? dim.value : 1);
    spec.shapes.emplace(graph.value(id).name, shape);
  }
  return spec;
}

class Verifier {
 public:
  Verifier(const ModelFile& model, Target target) : graph_(model.to_graph()), uses_(graph_.uses()), is_static_(is_fixed(graph_)) {
    result_.target = target;
    result_.opset = model.opset();
    result_.ir_version = model.ir_version();
    find_ranks();
  }

  Verification run() {
    for (const NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      if (is_product(node) && node.inputs.size() > 1) judge(node);
    }
    check_file_rules(graph_, result_);
    return std::move(result_);
  }

 private:
  /// Ranks need shapes; a model that cannot be planned here is judged without.
  void find_ranks() {
    for (const auto& plan : {&image_shapes, &smallest_shapes}) {
      try {
        const TypedGraph typed = specialize(graph_, plan(graph_));
        for (std::size_t k = 0; k < typed.types.size(); ++k) {
          ranks_[typed.graph.value(ValueId{static_cast<std::int32_t>(k)}).name] = typed.types[k].shape.rank();
        }
        return;
      } catch (const Error&) {
        ranks_.clear();
      }
    }
  }

  const std::vector<NodeId>& readers(ValueId value) const { return uses_[static_cast<std::size_t>(value.index)]; }

  int rank_of(const QuantizedOperand& operand) const {
    if (operand.quantize == nullptr) return -1;
    // DequantizeLinear and QuantizeLinear keep the rank.
    const auto found = ranks_.find(graph_.value(operand.quantize->inputs.front()).name);
    return found == ranks_.end() ? -1 : found->second;
  }

  ProductContext context_of(const Node& node) const {
    ProductContext product;
    product.graph = &graph_;
    product.node = &node;
    product.left = read_operand(graph_, node.inputs[0]);
    product.right = read_operand(graph_, node.inputs[1]);
    product.left_rank = product.left ? rank_of(*product.left) : -1;
    product.is_static = is_static_;
    const ValueId output = node.outputs.front();
    product.is_graph_output = graph_.is_graph_output(output);
    if (readers(output).size() == 1) {
      const Node& reader = graph_.node(readers(output).front());
      product.output_is_quantized = reader.op_type == "QuantizeLinear";
      if (reader.op_type == "Add" && reader.domain.empty()) find_bias(reader, product);
    }
    return product;
  }

  void find_bias(const Node& add, ProductContext& product) const {
    for (const ValueId input : add.inputs) {
      const Tensor* constant = graph_.constant(input);
      if (constant == nullptr) continue;
      product.bias_add = &add;
      product.bias = constant;
    }
  }

  void judge(const Node& node) {
    const ProductContext product = context_of(node);
    ProductVerdict verdict;
    verdict.name = node.display_name();
    verdict.origin = node.origin;
    verdict.op_type = node.op_type;
    if (product.bias_add != nullptr) verdict.bias_output = graph_.value(product.bias_add->outputs.front()).name;
    verdict.quantized = product.left || product.right;
    verdict.reason = verdict.quantized ? why_float(product, result_.target) : "it is not quantized";
    verdict.int8_kernel = verdict.reason.empty();
    if (verdict.int8_kernel) check_saturation(product, verdict);
    check_excluded(product, verdict);
    if (const std::string problem = wrong_weight_axis(product); !problem.empty()) {
      result_.findings.push_back({Severity::error, verdict.name, problem});
    }
    result_.products.push_back(std::move(verdict));
  }

  /// Signed activations are shifted to unsigned bytes on x86.
  void check_saturation(const ProductContext& product, ProductVerdict& verdict) {
    const QuantizedOperand& x = *product.left;
    const QuantizedOperand& weight = *product.right;
    const bool rows_first = product.node->op_type != "Conv" && weight.codes != nullptr && weight.codes->shape().rank() == 2 &&
                            weight.type == DType::i8;
    if (!rows_first) return;
    const std::int64_t shift = x.type == DType::i8 ? 128 : 0;
    const auto* stored = weight.codes->view().as<std::int8_t>();  // int8, or int4 that takes a byte in memory
    std::vector<std::int8_t> codes(stored, stored + weight.codes->elements());
    std::int64_t rows = weight.codes->shape()[0];
    std::int64_t columns = weight.codes->shape()[1];
    const bool by_attribute = product.node->op_type == "Gemm" && attr_int(*product.node, "transB", 0) != 0;
    if (by_attribute != weight.transposed) {
      std::vector<std::int8_t> turned(codes.size());
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t column = 0; column < columns; ++column) {
          turned[static_cast<std::size_t>(column * rows + row)] = codes[static_cast<std::size_t>(row * columns + column)];
        }
      }
      codes = std::move(turned);
      std::swap(rows, columns);
    }
    verdict.largest_pair_sum = largest_pair_sum(codes, rows, columns, {x.code_min + shift, x.code_max + shift});
    verdict.saturation = verdict.largest_pair_sum > kLargestPairSum ? Saturation::possible : Saturation::impossible;
  }

  /// Layers that were meant to stay float and would not in ONNX Runtime.
  void check_excluded(const ProductContext& product, const ProductVerdict& verdict) {
    const bool runs_in_ort = result_.target == Target::portable || result_.target == Target::ort_cpu;
    if (!runs_in_ort) return;
    const bool has_float_weight = graph_.constant(product.node->inputs[1]) != nullptr;
    if (has_float_weight && product.left && product.output_is_quantized && product.node->op_type != "MatMul") {
      result_.findings.push_back({Severity::error, verdict.name,
                                  "its float weight stands between quantized neighbours: ONNX Runtime quantizes it to int8 "
                                  "with one scale, without being asked"});
    }
    if (!product.left && product.right && product.right->is_constant() && product.node->op_type == "MatMul") {
      result_.findings.push_back({Severity::warning, verdict.name,
                                  "only its weight is quantized: ONNX Runtime computes it as MatMulNBits, which quantizes the "
                                  "activation at run time"});
    }
  }

  Graph graph_;
  std::vector<std::vector<NodeId>> uses_;
  bool is_static_;
  std::map<std::string, int> ranks_;
  Verification result_;
};

}  // namespace

std::string_view to_string(Target target) noexcept {
  return std::find_if(kTargets.begin(), kTargets.end(), [&](const auto& item) { return item.first == target; })->second;
}

Target target_from(std::string_view name) {
  for (const auto& [target, text] : kTargets) {
    if (text == name) return target;
  }
  fail(ErrorKind::usage, "there is no target '{}'; there are portable, ort-cpu, tensorrt and openvino", name);
}

std::string_view to_string(Saturation saturation) noexcept {
  return saturation == Saturation::impossible ? "impossible" : saturation == Saturation::possible ? "possible" : "unknown";
}

std::int64_t Verification::num_quantized() const noexcept {
  return std::count_if(products.begin(), products.end(), [](const auto& product) { return product.quantized; });
}

std::int64_t Verification::num_int8() const noexcept {
  return std::count_if(products.begin(), products.end(), [](const auto& product) { return product.int8_kernel; });
}

bool Verification::passed() const noexcept {
  return num_int8() == num_quantized() && std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
           return finding.severity == Severity::error;
         });
}

Verification verify(const ModelFile& model, Target target) { return Verifier(model, target).run(); }

std::vector<RuntimeVerdict> read_optimized_graph(const ModelFile& optimized, const Verification& verification) {
  static const std::set<std::string, std::less<>> integer_products = {
      "MatMulIntegerToFloat", "QGemm", "QLinearMatMul", "MatMulInteger", "QLinearConv", "ConvInteger", "DynamicQuantizeMatMul"};
  const Graph graph = optimized.to_graph();
  std::vector<RuntimeVerdict> verdicts;
  for (const ProductVerdict& product : verification.products) {
    RuntimeVerdict verdict;
    verdict.origin = product.origin;
    // A bias that was merged leaves the name of the Add's output.
    for (const std::string& name : {product.origin, product.bias_output}) {
      const auto value = name.empty() ? std::nullopt : graph.find_value(name);
      if (!value || !graph.value(*value).producer.valid()) continue;
      const std::string& found = graph.node(graph.value(*value).producer).op_type;
      if (verdict.operator_found.empty()) verdict.operator_found = found;
      if (!integer_products.contains(found)) continue;
      verdict.operator_found = found;
      verdict.int8_kernel = true;
    }
    // A quantizer of what reads the product through moves may merge into it: its node keeps the name alone.
    if (verdict.operator_found.empty()) {
      for (const NodeId id : graph.order()) {
        const Node& node = graph.node(id);
        if (node.name != product.name || !integer_products.contains(node.op_type)) continue;
        verdict.operator_found = node.op_type;
        verdict.int8_kernel = true;
      }
    }
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace nq
