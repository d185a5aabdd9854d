#include <map>
#include <utility>
#include <vector>

#include "core/check.hpp"
#include "onnx/model_impl.hpp"

namespace nq {
namespace {

constexpr int kMaxDepth = 32;

using FunctionKey = std::pair<std::string, std::string>;
using NodeList = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
using Renaming = std::map<std::string, std::string>;

void rename_node(onnx::NodeProto& node, const Renaming& names, const std::string& prefix);

/// Renames what a subgraph captures from the function body; its own names get the prefix too.
void rename_graph(onnx::GraphProto& graph, Renaming names, const std::string& prefix) {
  const auto own = [&](std::string* name) {
    if (name->empty()) return;
    names[*name] = prefix + *name;
    *name = names[*name];
  };
  for (auto& input : *graph.mutable_input()) own(input.mutable_name());
  for (auto& initializer : *graph.mutable_initializer()) own(initializer.mutable_name());
  for (const auto& node : graph.node()) {
    for (const auto& output : node.output()) {
      if (!output.empty()) names[output] = prefix + output;
    }
  }
  for (auto& node : *graph.mutable_node()) rename_node(node, names, prefix);
  for (auto& output : *graph.mutable_output()) {
    const auto it = names.find(output.name());
    if (it != names.end()) output.set_name(it->second);
  }
  graph.clear_value_info();
}

void rename_node(onnx::NodeProto& node, const Renaming& names, const std::string& prefix) {
  const auto apply = [&](std::string& name) {
    const auto it = names.find(name);
    if (it != names.end()) name = it->second;
  };
  for (auto& input : *node.mutable_input()) apply(input);
  for (auto& output : *node.mutable_output()) apply(output);
  if (!node.name().empty()) node.set_name(prefix + node.name());
  for (auto& attribute : *node.mutable_attribute()) {
    if (attribute.has_g()) rename_graph(*attribute.mutable_g(), names, prefix);
  }
}

class Inliner {
 public:
  explicit Inliner(onnx::ModelProto& model) : model_(model) {
    for (const auto& function : model.functions()) functions_[{function.domain(), function.name()}] = &function;
  }

  void expand(NodeList& nodes, int depth) {
    NQ_CHECK(depth <= kMaxDepth, input, "local functions call each other more than {} deep", kMaxDepth);
    NodeList result;
    for (auto& node : nodes) {
      for (auto& attribute : *node.mutable_attribute()) {
        if (attribute.has_g()) expand(*attribute.mutable_g()->mutable_node(), depth + 1);
      }
      // Calls count as well: functions that only call each other would grow without a node.
      NQ_CHECK(++total_nodes_ <= kMaxNodes, resource, "the model has more than {} nodes", kMaxNodes);
      const auto it = functions_.find({node.domain(), node.op_type()});
      if (it == functions_.end()) {
        result.Add(std::move(node));
        continue;
      }
      NodeList body = instantiate(node, *it->second);
      expand(body, depth + 1);
      for (auto& inner : body) result.Add(std::move(inner));
    }
    nodes.Swap(&result);
  }

 private:
  void check_opsets(const onnx::FunctionProto& function) const {
    for (const auto& import : function.opset_import()) {
      const int version = imported_opset(model_, import.domain());
      NQ_CHECK(version == 0 || version == import.version(), unsupported,
               "local function '{}' imports opset {} of '{}', the model imports {}", function.name(),
               import.version(), import.domain(), version);
    }
  }

  static void substitute_attributes(onnx::NodeProto& node, const onnx::NodeProto& call) {
    google::protobuf::RepeatedPtrField<onnx::AttributeProto> kept;
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.ref_attr_name().empty()) {
        kept.Add(std::move(attribute));
        continue;
      }
      for (const auto& given : call.attribute()) {
        if (given.name() != attribute.ref_attr_name()) continue;
        onnx::AttributeProto value = given;
        value.set_name(attribute.name());
        kept.Add(std::move(value));
      }
    }
    node.mutable_attribute()->Swap(&kept);
    for (auto& attribute : *node.mutable_attribute()) {
      if (!attribute.has_g()) continue;
      for (auto& inner : *attribute.mutable_g()->mutable_node()) substitute_attributes(inner, call);
    }
  }

  NodeList instantiate(const onnx::NodeProto& call, const onnx::FunctionProto& function) {
    check_opsets(function);
    const std::string prefix =
        fmt::format("{}/", call.name().empty() ? fmt::format("{}_{}", call.op_type(), call_count_) : call.name());
    ++call_count_;
    Renaming names;
    for (const auto& node : function.node()) {
      for (const auto& output : node.output()) {
        if (!output.empty()) names[output] = fmt::format("{}{}_{}", prefix, output, call_count_);
      }
    }
    for (int k = 0; k < function.output_size() && k < call.output_size(); ++k) {
      if (!call.output(k).empty()) names[function.output(k)] = call.output(k);
    }
    NodeList body;
    for (int k = 0; k < function.input_size(); ++k) {
      const std::string given = k < call.input_size() ? call.input(k) : std::string();
      // An input handed on as an output makes no node of its own: the caller's name needs one.
      const auto passed_on = names.find(function.input(k));
      if (passed_on != names.end() && !given.empty()) {
        onnx::NodeProto& copy = *body.Add();
        copy.set_op_type("Identity");
        copy.add_input(given);
        copy.add_output(passed_on->second);
      }
      names[function.input(k)] = given;
    }
    for (const auto& node : function.node()) {
      onnx::NodeProto copy = node;
      substitute_attributes(copy, call);
      rename_node(copy, names, prefix);
      body.Add(std::move(copy));
    }
    return body;
  }

  onnx::ModelProto& model_;
  std::map<FunctionKey, const onnx::FunctionProto*> functions_;
  int total_nodes_ = 0;
  int call_count_ = 0;
};

}  // namespace

void inline_functions(onnx::ModelProto& model) {
  if (model.functions_size() == 0) return;
  Inliner(model).expand(*model.mutable_graph()->mutable_node(), 0);
  model.clear_functions();
}

int imported_opset(const onnx::ModelProto& model, std::string_view domain) {
  const auto canonical = [](std::string_view name) { return name == "ai.onnx" ? std::string_view{} : name; };
  for (const auto& import : model.opset_import()) {
    if (canonical(import.domain()) == canonical(domain)) return static_cast<int>(import.version());
  }
  return 0;
}

}  // namespace nq
