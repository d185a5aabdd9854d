#include "onnx/float32_model.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace nq {
namespace {

/// Attributes that hold a TensorProto.DataType: of Cast, of EyeLike and the random operators, of QuantizeLinear and
/// DequantizeLinear (opset 23), of Attention (opset 23), of the window functions.
constexpr std::array<std::string_view, 5> kTypeAttributes = {"to", "dtype", "output_dtype", "softmax_precision",
                                                             "output_datatype"};

bool is_half(std::int64_t data_type) {
  return data_type == onnx::TensorProto::FLOAT16 || data_type == onnx::TensorProto::BFLOAT16;
}

void convert_type(onnx::TypeProto& type) {
  if (type.has_tensor_type() && is_half(type.tensor_type().elem_type())) {
    type.mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  }
  if (type.has_sequence_type()) convert_type(*type.mutable_sequence_type()->mutable_elem_type());
  if (type.has_optional_type()) convert_type(*type.mutable_optional_type()->mutable_elem_type());
}

class Float32Conversion {
 public:
  explicit Float32Conversion(const ExternalData& external) : external_(external) {}

  void graph(onnx::GraphProto& graph) const {
    for (auto& initializer : *graph.mutable_initializer()) tensor(initializer);
    for (auto* values : {graph.mutable_input(), graph.mutable_output(), graph.mutable_value_info()}) {
      for (auto& value : *values) {
        if (value.has_type()) convert_type(*value.mutable_type());
      }
    }
    nodes(*graph.mutable_node());
  }

  void nodes(google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes) const {
    for (auto& node : nodes) {
      for (auto& item : *node.mutable_attribute()) attribute(item);
    }
  }

 private:
  void attribute(onnx::AttributeProto& attribute) const {
    const bool names_type =
        std::find(kTypeAttributes.begin(), kTypeAttributes.end(), attribute.name()) != kTypeAttributes.end();
    if (names_type && is_half(attribute.i())) attribute.set_i(onnx::TensorProto::FLOAT);
    if (attribute.has_t()) tensor(*attribute.mutable_t());
    if (attribute.has_g()) graph(*attribute.mutable_g());
  }

  void tensor(onnx::TensorProto& proto) const {
    if (!is_half(proto.data_type())) return;
    const Tensor half = tensor_from_proto(proto, nullptr, external_);
    onnx::TensorProto converted =
        tensor_to_proto(Tensor::of(half.shape(), to_vector<float>(half.view())), proto.name());
    converted.set_doc_string(proto.doc_string());
    proto = std::move(converted);
  }

  const ExternalData& external_;
};

}  // namespace

void make_float32(onnx::ModelProto& model, const ExternalData& external) {
  const Float32Conversion conversion(external);
  conversion.graph(*model.mutable_graph());
  for (auto& function : *model.mutable_functions()) conversion.nodes(*function.mutable_node());
}

}  // namespace nq
