#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "nq/typed_graph.hpp"

namespace nq {

/// The matcher's view of a typed graph: producers, sole readers, scalar constants, replacement.
///
/// Values that a tap or target needs are pinned: no pattern may swallow them.
class FusionGraph {
 public:
  FusionGraph(TypedGraph& typed, std::vector<bool> pinned);

  const Graph& graph() const noexcept { return typed_.graph; }
  const TensorType& type(ValueId value) const { return typed_.type(value); }
  const Shape& shape(ValueId value) const { return typed_.type(value).shape; }
  const Tensor* constant(ValueId value) const { return typed_.graph.constant(value); }
  std::vector<NodeId> order() const { return typed_.graph.order(); }
  const Node& node(NodeId id) const { return typed_.graph.node(id); }

  /// Node of the default domain that makes `value` and has this type; null otherwise.
  const Node* made_by(ValueId value, std::string_view op_type) const;
  const Node* producer(ValueId value) const;

  /// The only node that reads `value`, which nothing else needs; null otherwise. A node that reads
  /// it twice counts as two readers.
  const Node* sole_reader(ValueId value) const;
  std::size_t num_readers(ValueId value) const;
  bool is_pinned(ValueId value) const { return pinned_[static_cast<std::size_t>(value.index)]; }

  /// The constant's value when it has one element.
  std::optional<float> scalar(ValueId value) const;
  /// Splits a commutative node's inputs into (the one equal to `known`, the other).
  static std::optional<ValueId> other_input(const Node& node, ValueId known);

  bool all_f32(const Node& node) const;

  /// Puts `replacement` in the place of `last`, which it must equal in outputs.
  void replace(NodeId last, Node replacement);

  /// Drops what replacements left unread and counts readers anew; call between passes.
  void refresh();

 private:
  TypedGraph& typed_;
  std::vector<bool> pinned_;
  std::vector<std::vector<NodeId>> uses_;
};

/// A node of the internal domain with the display name and origin of `like`.
Node internal_node(std::string_view op_type, const Node& like);

}  // namespace nq
