#include "pipeline/affine_fold.hpp"

#include <algorithm>

namespace nq {
namespace {

class FoldFinder {
 public:
  FoldFinder(const TypedGraph& typed, const SiteGroup& group)
      : typed_(typed), graph_(typed.graph), group_(group), uses_(graph_.uses()) {}

  std::optional<AffineFold> find() const {
    const LinearSite& leader = group_.leader();
    if (leader.kind == SiteKind::conv_patch || leader.x_transposed || !only_sites_read(group_.x)) return std::nullopt;
    const Node* node = producer(group_.x);
    while (node != nullptr && keeps_channels(*node)) {
      const ValueId above = node->inputs.front();
      if (!single_reader(above)) return std::nullopt;
      node = producer(above);
    }
    if (node == nullptr || node->origin.empty() || !node->domain.empty()) return std::nullopt;
    if (node->op_type == "LayerNormalization") return from_layer_norm(*node);
    if (node->op_type == "Add") return from_add(*node);
    return std::nullopt;
  }

 private:
  const Node* producer(ValueId value) const {
    const NodeId id = graph_.value(value).producer;
    return id.valid() ? &graph_.node(id) : nullptr;
  }

  const std::vector<NodeId>& readers(ValueId value) const { return uses_[static_cast<std::size_t>(value.index)]; }

  bool single_reader(ValueId value) const { return readers(value).size() == 1 && !graph_.is_graph_output(value); }

  bool only_sites_read(ValueId value) const {
    if (graph_.is_graph_output(value)) return false;
    return std::all_of(readers(value).begin(), readers(value).end(), [&](NodeId reader) {
      return std::any_of(group_.sites.begin(), group_.sites.end(),
                         [&](const LinearSite& site) { return site.node == reader; });
    });
  }

  /// Operators that move whole channel vectors and leave the last axis alone.
  bool keeps_channels(const Node& node) const {
    if (!node.domain.empty()) return false;
    if (node.op_type == "Identity") return true;
    const Shape& in = typed_.type(node.inputs.front()).shape;
    const Shape& out = typed_.type(node.outputs.front()).shape;
    if (in.rank() == 0 || out.rank() == 0 || in.back() != group_.c_in() || out.back() != group_.c_in()) return false;
    if (node.op_type == "Reshape" || node.op_type == "Squeeze" || node.op_type == "Unsqueeze") return true;
    if (node.op_type != "Transpose") return false;
    const auto perm = attr_ints(node, "perm");
    return !perm.empty() && perm.back() == static_cast<std::int64_t>(perm.size()) - 1;
  }

  std::optional<std::vector<float>> channel_constant(ValueId value) const {
    const Tensor* constant = graph_.constant(value);
    if (constant == nullptr || constant->dtype() != DType::f32 || constant->elements() != group_.c_in() ||
        constant->shape().rank() == 0 || constant->shape().back() != group_.c_in()) {
      return std::nullopt;
    }
    return to_vector<float>(constant->view());
  }

  std::optional<AffineFold> from_layer_norm(const Node& node) const {
    const int rank = typed_.type(node.inputs.front()).shape.rank();
    if (normalize_axis(attr_int(node, "axis", -1), rank) != rank - 1) return std::nullopt;
    const auto scale = channel_constant(node.inputs[1]);
    if (!scale) return std::nullopt;
    AffineFold fold{node.origin, 2, std::vector<float>(scale->size(), 0.0F), node.origin, 1, *scale};
    if (node.inputs.size() > 2 && node.inputs[2].valid()) {
      const auto shift = channel_constant(node.inputs[2]);
      if (!shift) return std::nullopt;
      fold.shift = *shift;
    }
    return fold;
  }

  std::optional<AffineFold> from_add(const Node& add) const {
    for (int slot = 0; slot < 2; ++slot) {
      const auto shift = channel_constant(add.inputs[static_cast<std::size_t>(slot)]);
      if (!shift || !may_replace(add, slot)) continue;
      AffineFold fold;
      fold.shift_origin = add.origin;
      fold.shift_input = slot;
      fold.shift = *shift;
      attach_mul(add.inputs[static_cast<std::size_t>(1 - slot)], fold);
      return fold;
    }
    return std::nullopt;
  }

  /// A new constant of rank 1 must leave the result's rank alone. The bias of a linear layer is not
  /// ours to change: its own site rewrites it.
  bool may_replace(const Node& node, int slot) const {
    const ValueId other = node.inputs[static_cast<std::size_t>(1 - slot)];
    const int rank = typed_.type(node.inputs[static_cast<std::size_t>(slot)]).shape.rank();
    const Node* source = producer(other);
    const bool is_bias = source != nullptr && source->op_type == "MatMul";
    return graph_.constant(other) == nullptr && rank <= typed_.type(other).shape.rank() && !is_bias;
  }

  void attach_mul(ValueId scaled, AffineFold& fold) const {
    const Node* mul = producer(scaled);
    if (mul == nullptr || mul->op_type != "Mul" || !mul->domain.empty() || mul->origin.empty() ||
        !single_reader(scaled)) {
      return;
    }
    for (int slot = 0; slot < 2; ++slot) {
      const auto scale = channel_constant(mul->inputs[static_cast<std::size_t>(slot)]);
      if (!scale || !may_replace(*mul, slot)) continue;
      fold.scale_origin = mul->origin;
      fold.scale_input = slot;
      fold.scale = *scale;
      return;
    }
  }

  const TypedGraph& typed_;
  const Graph& graph_;
  const SiteGroup& group_;
  std::vector<std::vector<NodeId>> uses_;
};

}  // namespace

std::optional<AffineFold> find_affine_fold(const TypedGraph& typed, const SiteGroup& group) {
  return FoldFinder(typed, group).find();
}

}  // namespace nq
