#include <algorithm>
#include <map>
#include <set>

#include "core/check.hpp"
#include "exec/folding.hpp"
#include "graph/passes/passes.hpp"
#include "graph/simplify.hpp"
#include "nq/executor.hpp"

namespace nq {
namespace {

std::string describe(const Node& node) {
  return fmt::format("'{}' ({}{}{}, opset {})", node.display_name(), node.domain, node.domain.empty() ? "" : ".",
                     node.op_type, node.opset);
}

bool is_default_if(const Node& node) { return node.op_type == "If" && node.domain.empty(); }

class Specializer {
 public:
  Specializer(Graph graph, const Specialization& spec, const OpRegistry& ops) : spec_(spec), ops_(ops) {
    result_.graph = std::move(graph);
  }

  TypedGraph run() {
    result_.types.resize(graph().num_values());
    type_inputs();
    for (std::size_t value = 0; value < graph().num_values(); ++value) type_constant(ValueId{static_cast<int>(value)});
    for (const NodeId id : graph().order()) visit(id);
    eliminate_identity(graph());
    eliminate_dead(graph());
    return std::move(result_);
  }

 private:
  Graph& graph() { return result_.graph; }

  TensorType& type(ValueId id) { return result_.types[static_cast<std::size_t>(id.index)]; }

  void type_constant(ValueId id) {
    if (const Tensor* constant = graph().constant(id)) type(id) = constant->type();
  }

  void type_inputs() {
    std::set<std::string> known;
    std::vector<ValueId> remaining;
    for (const ValueId id : graph().inputs) {
      Value& value = graph().value(id);
      known.insert(value.name);
      if (const auto fixed = spec_.constants.find(value.name); fixed != spec_.constants.end()) {
        value.constant = fixed->second;
        continue;
      }
      type(id) = input_type(value);
      remaining.push_back(id);
    }
    graph().inputs = std::move(remaining);
    const auto check_known = [&known](const std::string& name) {
      NQ_CHECK(known.contains(name), usage, "the model has no input '{}'; its inputs are: {}", name,
               fmt::join(known, ", "));
    };
    for (const auto& [name, shape] : spec_.shapes) check_known(name);
    for (const auto& [name, value] : spec_.constants) check_known(name);
  }

  TensorType input_type(const Value& value) const {
    const DeclaredType declared = value.declared.value_or(DeclaredType{});
    const auto given = spec_.shapes.find(value.name);
    if (given != spec_.shapes.end()) {
      const Shape& shape = given->second;
      bool fits = !declared.has_shape || static_cast<int>(declared.dims.size()) == shape.rank();
      for (int axis = 0; fits && declared.has_shape && axis < shape.rank(); ++axis) {
        const Dim& dim = declared.dims[static_cast<std::size_t>(axis)];
        fits = !dim.is_static() || dim.value == shape[axis];
      }
      NQ_CHECK(fits, usage, "shape {} does not fit the declaration of model input '{}'", to_string(shape), value.name);
      (void)shape.elements();
      return {declared.dtype, shape};
    }
    TensorType type{declared.dtype, Shape{}};
    NQ_CHECK(declared.has_shape, usage, "model input '{}' has no declared shape: give one", value.name);
    for (const Dim& dim : declared.dims) {
      NQ_CHECK(dim.is_static(), usage, "dimension '{}' of model input '{}' is dynamic: give its shape", dim.symbol,
               value.name);
      type.shape.push_back(dim.value);
    }
    (void)type.shape.elements();
    return type;
  }

  void visit(NodeId id) {
    with_context(
        [&] {
          if (is_default_if(graph().node(id))) inline_branch(id);
          else infer_and_fold(id);
        },
        [&] { return "in node " + describe(graph().node(id)); });
  }

  void infer_and_fold(NodeId id) {
    const NodeBinding bound = bind_inputs(result_, graph().node(id), ops_);
    const auto types = infer_types(bound);
    const Node& node = graph().node(id);
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      if (!node.outputs[k].valid()) continue;
      NQ_CHECK(types[k].has_value(), unsupported, "output {} is not supported", k);
      (void)types[k]->shape.elements();
      type(node.outputs[k]) = *types[k];
    }
    if (can_fold(result_, node) && !keeps_weight(node)) fold_node(result_, id, bound);
  }

  /// A quantized weight stays in its integers where the plan may use them.
  bool keeps_weight(const Node& node) const {
    return spec_.keep_quantized_weights && node.domain.empty() && node.op_type == "DequantizeLinear";
  }

  /// Replaces an If whose condition is known by the nodes of the branch taken.
  void inline_branch(NodeId id) {
    const Node node = graph().node(id);
    NQ_CHECK(!node.inputs.empty() && node.inputs.front().valid(), input, "If needs a condition");
    const Tensor* condition = graph().constant(node.inputs.front());
    NQ_CHECK(condition != nullptr, unsupported, "the condition of If depends on the data");
    NQ_CHECK(condition->dtype() == DType::boolean && condition->elements() == 1, input,
             "the condition of If must be one bool");
    const std::string branch = condition->span<bool>()[0] ? "then_branch" : "else_branch";
    const auto it = node.attributes.find(branch);
    const auto* body = it == node.attributes.end() ? nullptr : std::get_if<std::shared_ptr<const Graph>>(&it->second);
    NQ_CHECK(body != nullptr, input, "If has no {}", branch);
    splice(id, node, **body, static_cast<std::size_t>(attr_int(node, branch + kFirstCapture, 1)));
  }

  void splice(NodeId id, const Node& node, const Graph& body, std::size_t first_capture) {
    std::map<std::int32_t, ValueId> mapped;
    NQ_CHECK(first_capture + body.inputs.size() <= node.inputs.size(), internal, "captures of If do not fit");
    for (std::size_t k = 0; k < body.inputs.size(); ++k) {
      mapped[body.inputs[k].index] = node.inputs[first_capture + k];
    }
    NQ_CHECK(body.outputs.size() >= node.outputs.size(), input, "a branch of If has too few outputs");
    const auto map_value = [&](ValueId inner) {
      if (!inner.valid()) return inner;
      const auto it = mapped.find(inner.index);
      if (it != mapped.end()) return it->second;
      const ValueId outer = graph().add_value("");
      result_.types.emplace_back();
      if (const Tensor* constant = body.constant(inner)) graph().value(outer).constant = *constant;
      mapped[inner.index] = outer;
      type_constant(outer);
      return outer;
    };
    std::vector<NodeId> added;
    for (const NodeId inner : body.order()) {
      Node copy = body.node(inner);
      copy.removed = false;
      copy.origin.clear();
      for (ValueId& input : copy.inputs) input = map_value(input);
      for (ValueId& output : copy.outputs) output = map_value(output);
      added.push_back(graph().insert_node_before(id, std::move(copy)));
    }
    graph().remove_node(id);
    for (std::size_t k = 0; k < node.outputs.size(); ++k) {
      if (node.outputs[k].valid()) graph().replace_uses(node.outputs[k], map_value(body.outputs[k]));
    }
    for (const NodeId inner : added) visit(inner);
  }

  const Specialization& spec_;
  const OpRegistry& ops_;
  TypedGraph result_;
};

void collect_unsupported(const Graph& graph, const OpRegistry& ops, std::vector<std::string>& found) {
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    for (const auto& [name, value] : node.attributes) {
      if (const auto* subgraph = std::get_if<std::shared_ptr<const Graph>>(&value)) {
        collect_unsupported(**subgraph, ops, found);
      }
    }
    // The internal domain is for the plan's own nodes; a file must not name it.
    const bool known = node.domain != "nq" && ops.find(node.domain, node.op_type, node.opset) != nullptr;
    if (!is_default_if(node) && !known) {
      found.push_back(describe(node));
    }
  }
}

}  // namespace

std::vector<std::string> unsupported_nodes(const Graph& graph, const OpRegistry& ops) {
  std::vector<std::string> found;
  collect_unsupported(graph, ops, found);
  return found;
}

TypedGraph specialize(const Graph& graph, const Specialization& spec, const OpRegistry& ops) {
  Graph copy = graph;
  simplify(copy);
  const std::vector<std::string> unsupported = unsupported_nodes(copy, ops);
  if (!unsupported.empty()) {
    throw Error(ErrorKind::unsupported,
                fmt::format("{} node{} not supported: {}", unsupported.size(),
                            unsupported.size() == 1 ? " is" : "s are", fmt::join(unsupported, "; ")),
                "docs/onnx_support.md lists what is");
  }
  return Specializer(std::move(copy), spec, ops).run();
}

}  // namespace nq
