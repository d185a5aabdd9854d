#include "onnx/load_graph.hpp"

#include <set>
#include <string_view>
#include <utility>

#include "core/check.hpp"
#include "onnx/model_impl.hpp"

namespace nq {
namespace {

constexpr int kMaxGraphDepth = 16;

std::string canonical_domain(const std::string& domain) { return domain == "ai.onnx" ? std::string() : domain; }

std::string show_name(const onnx::NodeProto& node) {
  if (!node.name().empty()) return node.name();
  return node.output_size() > 0 ? node.output(0) : "?";
}

std::optional<DeclaredType> declared_type(const onnx::ValueInfoProto& info) {
  if (!info.type().has_tensor_type()) return std::nullopt;
  const auto& tensor = info.type().tensor_type();
  DeclaredType declared;
  declared.dtype = dtype_from_onnx(tensor.elem_type());
  declared.has_shape = tensor.has_shape();
  for (const auto& dim : tensor.shape().dim()) {
    Dim converted;
    if (dim.has_dim_value()) {
      NQ_CHECK(dim.dim_value() >= 0, input, "declares a negative dimension {}", dim.dim_value());
      NQ_CHECK(dim.dim_value() <= kMaxElements, resource, "declares dimension {}, above the limit of 2^34",
               dim.dim_value());
      converted.value = dim.dim_value();
    } else {
      converted.symbol = dim.dim_param();
    }
    declared.dims.push_back(std::move(converted));
  }
  return declared;
}

class GraphLoader {
 public:
  GraphLoader(const onnx::ModelProto& model, const std::shared_ptr<const void>& owner, const ExternalData& external)
      : model_(model), owner_(owner), external_(external) {}

  Graph load(const onnx::GraphProto& proto, int depth) const {
    NQ_CHECK(depth <= kMaxGraphDepth, input, "subgraphs are nested more than {} deep", kMaxGraphDepth);
    NQ_CHECK(proto.node_size() <= kMaxNodes, resource, "the graph has more than {} nodes", kMaxNodes);
    NQ_CHECK(proto.sparse_initializer_size() == 0, unsupported, "sparse initializers are not supported");
    Graph graph;
    graph.name = proto.name();
    for (const auto& initializer : proto.initializer()) {
      graph.add_constant(initializer.name(), tensor_from_proto(initializer, owner_, external_));
    }
    for (const auto& input : proto.input()) add_input(graph, input);
    for (const auto& node : proto.node()) {
      with_context([&] { add_node(graph, node, depth); },
                   [&] { return fmt::format("in node '{}' ({})", show_name(node), node.op_type()); });
    }
    for (const auto& output : proto.output()) add_output(graph, output, depth);
    if (depth == 0) graph.validate();
    return graph;
  }

 private:
  void add_input(Graph& graph, const onnx::ValueInfoProto& info) const {
    const auto existing = graph.find_value(info.name());
    if (existing) return;  // an initializer gives the input its default value
    const ValueId id = graph.add_value(info.name());
    graph.value(id).declared = with_context([&] { return declared_type(info); },
                                            [&] { return fmt::format("in graph input '{}'", info.name()); });
    graph.inputs.push_back(id);
  }

  void add_output(Graph& graph, const onnx::ValueInfoProto& info, int depth) const {
    auto id = graph.find_value(info.name());
    if (!id && depth > 0) id = capture(graph, info.name());
    NQ_CHECK(id.has_value(), input, "graph output '{}' is never computed", info.name());
    if (info.has_type() && !graph.value(*id).declared) {
      graph.value(*id).declared = with_context([&] { return declared_type(info); },
                                               [&] { return fmt::format("in graph output '{}'", info.name()); });
    }
    graph.outputs.push_back(*id);
  }

  /// In a subgraph a name without definition belongs to the graph around it: it becomes an input.
  static ValueId capture(Graph& graph, const std::string& name) {
    const ValueId id = graph.add_value(name);
    graph.inputs.push_back(id);
    return id;
  }

  ValueId input_id(Graph& graph, const std::string& name, int depth) const {
    if (name.empty()) return {};
    if (const auto known = graph.find_value(name)) return *known;
    NQ_CHECK(depth > 0, input, "reads '{}', which nothing before it defines", name);
    return capture(graph, name);
  }

  void add_node(Graph& graph, const onnx::NodeProto& proto, int depth) const {
    if (proto.op_type() == "Constant" && canonical_domain(proto.domain()).empty()) {
      NQ_CHECK(proto.output_size() == 1, input, "Constant must have one output");
      graph.add_constant(proto.output(0), constant_value(proto));
      return;
    }
    Node node;
    node.op_type = proto.op_type();
    node.domain = canonical_domain(proto.domain());
    node.opset = imported_opset(model_, proto.domain());
    NQ_CHECK(node.opset > 0, input, "the model imports no opset for domain '{}'", node.domain);
    node.name = proto.name();
    for (const auto& name : proto.input()) node.inputs.push_back(input_id(graph, name, depth));
    for (const auto& attribute : proto.attribute()) add_attribute(graph, node, attribute, depth);
    for (const auto& name : proto.output()) {
      if (node.origin.empty()) node.origin = name;
      node.outputs.push_back(name.empty() ? ValueId{} : graph.add_value(name));
    }
    NQ_CHECK(!node.origin.empty(), input, "has no output");
    graph.add_node(std::move(node));
  }

  void add_attribute(Graph& graph, Node& node, const onnx::AttributeProto& proto, int depth) const {
    NQ_CHECK(proto.ref_attr_name().empty(), input, "attribute '{}' refers to a function attribute outside a function",
             proto.name());
    if (proto.type() == onnx::AttributeProto::GRAPH) {
      NQ_CHECK(node.op_type != "If" || proto.g().input_size() == 0, input, "branch '{}' takes no inputs",
               proto.name());
      auto subgraph = std::make_shared<Graph>(load(proto.g(), depth + 1));
      std::set<std::string_view> own;  // inputs of a Loop body, which the node itself feeds
      for (const auto& input : proto.g().input()) own.insert(input.name());
      node.attributes[proto.name() + kFirstCapture] = static_cast<std::int64_t>(node.inputs.size());
      for (const ValueId captured : subgraph->inputs) {
        const std::string& name = subgraph->value(captured).name;
        if (!own.contains(name)) node.inputs.push_back(input_id(graph, name, depth));
      }
      node.attributes[proto.name()] = std::shared_ptr<const Graph>(std::move(subgraph));
      return;
    }
    node.attributes[proto.name()] = attribute_value(proto);
  }

  AttributeValue attribute_value(const onnx::AttributeProto& proto) const {
    switch (proto.type()) {
      case onnx::AttributeProto::FLOAT: return proto.f();
      case onnx::AttributeProto::INT: return static_cast<std::int64_t>(proto.i());
      case onnx::AttributeProto::STRING: return proto.s();
      case onnx::AttributeProto::TENSOR: return tensor_from_proto(proto.t(), owner_, external_);
      case onnx::AttributeProto::FLOATS: return std::vector<float>(proto.floats().begin(), proto.floats().end());
      case onnx::AttributeProto::INTS: return std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
      case onnx::AttributeProto::STRINGS:
        return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
      default: fail(ErrorKind::unsupported, "attribute '{}' has a type nqcli does not read", proto.name());
    }
  }

  /// Value of a Constant node (opset 1; scalar and list forms since opset 12).
  Tensor constant_value(const onnx::NodeProto& proto) const {
    NQ_CHECK(proto.attribute_size() == 1, input, "Constant must have exactly one value attribute");
    const auto& attribute = proto.attribute(0);
    const auto length = [](const auto& list) { return Shape{static_cast<std::int64_t>(list.size())}; };
    if (attribute.name() == "value") return tensor_from_proto(attribute.t(), owner_, external_);
    if (attribute.name() == "value_float") return Tensor::scalar<float>(attribute.f());
    if (attribute.name() == "value_int") return Tensor::scalar<std::int64_t>(attribute.i());
    if (attribute.name() == "value_string") return Tensor::of_strings({}, {attribute.s()});
    if (attribute.name() == "value_floats") {
      return Tensor::of(length(attribute.floats()),
                        std::vector<float>(attribute.floats().begin(), attribute.floats().end()));
    }
    if (attribute.name() == "value_ints") {
      return Tensor::of(length(attribute.ints()),
                        std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end()));
    }
    if (attribute.name() == "value_strings") {
      return Tensor::of_strings(length(attribute.strings()), {attribute.strings().begin(), attribute.strings().end()});
    }
    fail(ErrorKind::unsupported, "Constant attribute '{}' is not supported", attribute.name());
  }

  const onnx::ModelProto& model_;
  std::shared_ptr<const void> owner_;
  const ExternalData& external_;
};

}  // namespace

Graph load_graph(const onnx::ModelProto& model, const std::shared_ptr<const void>& owner,
                 const ExternalData& external) {
  return GraphLoader(model, owner, external).load(model.graph(), 0);
}

}  // namespace nq
