#pragma once

#include <onnx/onnx_pb.h>

#include <set>
#include <string>
#include <type_traits>

namespace nq {

/// Calls visit for every tensor of the graph and its subgraphs.
template <typename Graph, typename Visit>
void visit_tensors(Graph& graph, const Visit& visit) {
  if constexpr (std::is_const_v<Graph>) {
    for (const auto& tensor : graph.initializer()) visit(tensor);
    for (const auto& node : graph.node()) {
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_t()) visit(attribute.t());
        if (attribute.has_g()) visit_tensors(attribute.g(), visit);
      }
    }
  } else {
    for (auto& tensor : *graph.mutable_initializer()) visit(tensor);
    for (auto& node : *graph.mutable_node()) {
      for (auto& attribute : *node.mutable_attribute()) {
        if (attribute.has_t()) visit(*attribute.mutable_t());
        if (attribute.has_g()) visit_tensors(*attribute.mutable_g(), visit);
      }
    }
  }
}

/// Whether the bytes of the tensor lie in another file.
inline bool is_external(const onnx::TensorProto& tensor) {
  return tensor.data_location() == onnx::TensorProto::EXTERNAL;
}

/// Locations of all external data of a model.
inline std::set<std::string> external_files(const onnx::ModelProto& proto) {
  std::set<std::string> files;
  visit_tensors(proto.graph(), [&files](const onnx::TensorProto& tensor) {
    if (!is_external(tensor)) return;
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") files.insert(entry.value());
    }
  });
  return files;
}

}  // namespace nq
