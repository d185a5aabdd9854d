#pragma once

#include <onnx/onnx_pb.h>

#include <set>
#include <string>

namespace nq {

/// Names of values and nodes that are free in a graph and its subgraphs.
class UniqueNames {
 public:
  UniqueNames() = default;
  explicit UniqueNames(const onnx::GraphProto& graph) { take(graph); }

  /// `base`, or `base_2`, `base_3`, ... when it is taken; taken from now on.
  std::string make(const std::string& base) {
    std::string name = base;
    for (int suffix = 2; !taken_.insert(name).second; ++suffix) name = base + "_" + std::to_string(suffix);
    return name;
  }

 private:
  void take(const onnx::GraphProto& graph) {
    for (const auto& input : graph.input()) taken_.insert(input.name());
    for (const auto& initializer : graph.initializer()) taken_.insert(initializer.name());
    for (const auto& node : graph.node()) {
      taken_.insert(node.name());
      taken_.insert(node.output().begin(), node.output().end());
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_g()) take(attribute.g());
      }
    }
  }

  std::set<std::string> taken_;
};

}  // namespace nq
