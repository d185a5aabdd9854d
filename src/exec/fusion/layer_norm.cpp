#include "exec/fusion/fuse.hpp"

namespace nq {
namespace {

struct Match {
  ValueId x, gamma, beta;
  float epsilon = 0;
};

class LayerNormMatcher {
 public:
  explicit LayerNormMatcher(const FusionGraph& graph) : graph_(graph) {}

  /// Walks up from the last Add.
  std::optional<Match> match(const Node& add) const {
    for (int slot = 0; slot < 2 && add.inputs.size() == 2; ++slot) {
      const ValueId scaled = add.inputs[static_cast<std::size_t>(slot)];
      const ValueId beta = add.inputs[static_cast<std::size_t>(1 - slot)];
      const Node* mul = graph_.made_by(scaled, "Mul");
      if (mul == nullptr || graph_.sole_reader(scaled) == nullptr || !is_vector(beta)) continue;
      for (int factor = 0; factor < 2; ++factor) {
        const ValueId gamma = mul->inputs[static_cast<std::size_t>(1 - factor)];
        if (!is_vector(gamma)) continue;
        auto found = match_normalized(mul->inputs[static_cast<std::size_t>(factor)]);
        if (!found || channels(found->x) != graph_.shape(gamma).back() ||
            channels(found->x) != graph_.shape(beta).back()) continue;
        found->gamma = gamma;
        found->beta = beta;
        return found;
      }
    }
    return std::nullopt;
  }

 private:
  std::int64_t channels(ValueId value) const {
    const Shape& shape = graph_.shape(value);
    return shape.rank() == 0 ? 0 : shape.back();
  }

  bool is_vector(ValueId value) const {
    const Tensor* constant = graph_.constant(value);
    return constant != nullptr && constant->dtype() == DType::f32 && constant->shape().rank() == 1;
  }

  bool is_last_axis_mean(const Node& node) const {
    std::vector<std::int64_t> axes = attr_ints(node, "axes");
    if (node.inputs.size() > 1 && graph_.constant(node.inputs[1]) != nullptr) {
      axes = to_vector<std::int64_t>(graph_.constant(node.inputs[1])->view());
    }
    const int rank = graph_.shape(node.inputs[0]).rank();
    return axes.size() == 1 && (axes[0] == -1 || axes[0] == rank - 1) && attr_int(node, "keepdims", 1) == 1;
  }

  /// (x - mean) / sqrt(mean((x - mean)^2) + eps)
  std::optional<Match> match_normalized(ValueId value) const {
    const Node* div = graph_.made_by(value, "Div");
    if (div == nullptr || graph_.sole_reader(value) == nullptr) return std::nullopt;
    const ValueId centred = div->inputs[0];
    const Node* sub = graph_.made_by(centred, "Sub");
    const Node* root = graph_.made_by(div->inputs[1], "Sqrt");
    const Node* shifted = root == nullptr ? nullptr : graph_.made_by(root->inputs[0], "Add");
    if (sub == nullptr || shifted == nullptr) return std::nullopt;
    for (int slot = 0; slot < 2; ++slot) {
      const auto epsilon = graph_.scalar(shifted->inputs[static_cast<std::size_t>(1 - slot)]);
      const Node* variance = graph_.made_by(shifted->inputs[static_cast<std::size_t>(slot)], "ReduceMean");
      if (!epsilon || variance == nullptr || !is_last_axis_mean(*variance)) continue;
      if (!is_square_of(variance->inputs[0], centred)) continue;
      const Node* mean = graph_.made_by(sub->inputs[1], "ReduceMean");
      if (mean == nullptr || mean->inputs[0] != sub->inputs[0] || !is_last_axis_mean(*mean)) continue;
      if (graph_.is_pinned(centred)) continue;
      return Match{sub->inputs[0], {}, {}, *epsilon};
    }
    return std::nullopt;
  }

  bool is_square_of(ValueId square, ValueId value) const {
    if (const Node* pow = graph_.made_by(square, "Pow")) {
      return pow->inputs[0] == value && graph_.scalar(pow->inputs[1]) == 2.0F;
    }
    const Node* mul = graph_.made_by(square, "Mul");
    return mul != nullptr && mul->inputs[0] == value && mul->inputs[1] == value;
  }

  const FusionGraph& graph_;
};

}  // namespace

void fuse_layer_norm(FusionGraph& graph) {
  const LayerNormMatcher matcher(graph);
  for (const NodeId id : graph.order()) {
    const Node& add = graph.node(id);
    if (add.op_type != "Add" || !add.domain.empty() || !graph.all_f32(add)) continue;
    const auto match = matcher.match(add);
    if (!match) continue;
    Node node = internal_node("LayerNormalization", add);
    node.domain.clear();
    node.opset = 17;
    node.inputs = {match->x, match->gamma, match->beta};
    node.outputs = add.outputs;
    node.attributes["axis"] = std::int64_t{-1};
    node.attributes["epsilon"] = match->epsilon;
    graph.replace(id, std::move(node));
  }
}

}  // namespace nq
