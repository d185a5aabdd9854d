#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nq/tensor.hpp"
#include "nq/types.hpp"

namespace nq {

class Graph;

/// Value of one ONNX attribute. A subgraph (branches of If) is held by a shared handle.
using AttributeValue =
    std::variant<std::int64_t, float, std::string, Tensor, std::vector<std::int64_t>,
                 std::vector<float>, std::vector<std::string>, std::shared_ptr<const Graph>>;
using Attributes = std::map<std::string, AttributeValue, std::less<>>;

/// One dimension as declared in a model: a number, or a symbol such as "batch".
struct Dim {
  std::int64_t value = -1;  ///< -1 when symbolic or unknown
  std::string symbol;       ///< empty when numeric or unknown
  bool is_static() const noexcept { return value >= 0; }
};

/// Type of a graph input or output as the model declares it.
struct DeclaredType {
  DType dtype = DType::f32;
  bool has_shape = false;
  std::vector<Dim> dims;
};

/// Suffix of the integer attribute that tells, for a subgraph attribute such as "then_branch",
/// which node input is the first of the values that the subgraph captures from around it.
inline constexpr const char* kFirstCapture = ".first_capture";

struct Node {
  NodeId id;
  std::string op_type;
  std::string domain;  ///< "" for ai.onnx
  int opset = 0;       ///< version of `domain` that the model imports
  std::string name;    ///< as in the file; may be empty or repeated; for display only
  /// First output name in the user's file: unique by SSA, the key back into ModelFile.
  std::string origin;
  Attributes attributes;
  std::vector<ValueId> inputs;   ///< an invalid id stands for an omitted optional input
  std::vector<ValueId> outputs;  ///< an invalid id stands for an omitted optional output
  bool removed = false;

  /// Name to show: the node's own, else its first output.
  const std::string& display_name() const noexcept { return name.empty() ? origin : name; }
};

struct Value {
  ValueId id;
  std::string name;
  NodeId producer;                       ///< invalid for graph inputs and initializers
  std::optional<Tensor> constant;        ///< initializer or folded constant
  std::optional<DeclaredType> declared;  ///< from graph inputs/outputs/value_info
};

/// The executable reading of a model: nodes in topological order, SSA values, named constants.
///
/// A regular value type. Nodes and values are referred to by id; removed nodes stay in the
/// vector, flagged, until `compact()`.
class Graph {
 public:
  std::string name;

  ValueId add_value(std::string name);
  ValueId add_constant(std::string name, Tensor tensor);
  /// Appends a node; its outputs must have no other producer. Throws Error(input) otherwise.
  NodeId add_node(Node node);
  /// Adds `node` at the position of `before` in the topological order.
  NodeId insert_node_before(NodeId before, Node node);

  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id.index)]; }
  Node& node(NodeId id) { return nodes_[static_cast<std::size_t>(id.index)]; }
  const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id.index)]; }
  Value& value(ValueId id) { return values_[static_cast<std::size_t>(id.index)]; }

  /// Live nodes in execution order.
  std::vector<NodeId> order() const;
  std::size_t num_values() const noexcept { return values_.size(); }
  std::size_t num_node_slots() const noexcept { return nodes_.size(); }

  std::vector<ValueId> inputs;   ///< graph inputs that are not initializers
  std::vector<ValueId> outputs;

  const Tensor* constant(ValueId id) const;
  bool is_graph_output(ValueId id) const;
  std::optional<ValueId> find_value(std::string_view name) const;

  /// Live nodes that read each value, indexed by ValueId; a node appears once per input slot.
  std::vector<std::vector<NodeId>> uses() const;

  /// Makes every reader of `from`, and the graph outputs, read `to` instead.
  void replace_uses(ValueId from, ValueId to);
  void remove_node(NodeId id);

  /// Checks SSA, topological order, ids and names. Throws Error(input) naming the node.
  void validate() const;

 private:
  std::vector<Node> nodes_;
  std::vector<NodeId> order_;
  std::vector<Value> values_;
  std::map<std::string, ValueId, std::less<>> by_name_;
};

/// Typed attribute access; throws Error(input) naming attribute and expected type.
std::int64_t attr_int(const Node& node, std::string_view name, std::int64_t fallback);
float attr_float(const Node& node, std::string_view name, float fallback);
std::string attr_string(const Node& node, std::string_view name, std::string_view fallback);
std::vector<std::int64_t> attr_ints(const Node& node, std::string_view name);
std::vector<float> attr_floats(const Node& node, std::string_view name);
std::vector<std::string> attr_strings(const Node& node, std::string_view name);
const Tensor* attr_tensor(const Node& node, std::string_view name);
bool has_attr(const Node& node, std::string_view name);

}  // namespace nq
