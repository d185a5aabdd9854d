#include "nq/onnx_limits.hpp"

#include <array>
#include <map>
#include <set>

#include "onnx/model_impl.hpp"

namespace nq {
namespace {

constexpr std::array kLimits = {
    OnnxLimit{"Loop", "data-dependent control flow: a static plan cannot hold it"},
    OnnxLimit{"Scan", "data-dependent control flow: a static plan cannot hold it"},
    OnnxLimit{"Dropout in training mode", "it draws random numbers; inference graphs do not"},
    OnnxLimit{"string", "text tensors do not occur in vision models"},
    OnnxLimit{"sequence", "sequence values do not occur in vision models"},
    OnnxLimit{"optional", "optional values do not occur in vision models"},
    OnnxLimit{"complex64", "complex arithmetic does not occur in vision models"},
    OnnxLimit{"complex128", "complex arithmetic does not occur in vision models"},
    OnnxLimit{"float4e2m1", "no CPU runtime executes 4-bit floats; kept out until one does"},
    OnnxLimit{"float8e8m0", "a scale-only type of micro-scaled formats that nqcli does not emit"},
    OnnxLimit{"int2", "below the 2-bit storage that any target runtime accepts"},
    OnnxLimit{"uint2", "below the 2-bit storage that any target runtime accepts"},
};

// TensorProto.DataType codes of the element types in the table.
const std::map<int, std::string_view> kTypeNames = {
    {8, "string"}, {14, "complex64"}, {15, "complex128"}, {23, "float4e2m1"},
    {24, "float8e8m0"}, {25, "uint2"}, {26, "int2"},
};

class Collector {
 public:
  void graph(const onnx::GraphProto& graph) {
    for (const auto& input : graph.input()) graph_inputs_.insert(input.name());
    for (const auto& tensor : graph.initializer()) type_code(tensor.data_type());
    for (const auto* list : {&graph.input(), &graph.output(), &graph.value_info()}) {
      for (const auto& info : *list) type(info.type());
    }
    for (const auto& node : graph.node()) this->node(node);
  }

  const std::set<std::string_view>& features() const { return features_; }

 private:
  void type_code(int code) {
    const auto it = kTypeNames.find(code);
    if (it != kTypeNames.end()) features_.insert(it->second);
  }

  void type(const onnx::TypeProto& type) {
    if (type.has_tensor_type()) type_code(type.tensor_type().elem_type());
    if (type.has_sequence_type()) features_.insert("sequence");
    if (type.has_optional_type()) features_.insert("optional");
  }

  void node(const onnx::NodeProto& node) {
    features_.insert(node.op_type());
    // The flag is an input; exporters write a constant false, tests of training feed it.
    const bool has_flag = node.op_type() == "Dropout" && node.input_size() > 2 && !node.input(2).empty();
    if (has_flag && graph_inputs_.contains(node.input(2))) features_.insert("Dropout in training mode");
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) graph(attribute.g());
      if (attribute.has_t()) type_code(attribute.t().data_type());
      const bool names_type = attribute.name() == "to" || attribute.name() == "dtype" || attribute.name() == "output_dtype";
      if (names_type) type_code(static_cast<int>(attribute.i()));
    }
  }

  std::set<std::string> graph_inputs_;
  std::set<std::string_view> features_;
};

}  // namespace

std::span<const OnnxLimit> onnx_limits() { return kLimits; }

std::vector<OnnxLimit> limits_of(const ModelFile& model) {
  Collector collector;
  collector.graph(model.impl().proto.graph());
  std::vector<OnnxLimit> hit;
  for (const OnnxLimit& limit : kLimits) {
    if (collector.features().contains(limit.feature)) hit.push_back(limit);
  }
  return hit;
}

}  // namespace nq
