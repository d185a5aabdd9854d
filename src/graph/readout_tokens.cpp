#include "graph/readout_tokens.hpp"

#include <algorithm>
#include <set>

#include "graph/graph_walk.hpp"

namespace nq {
namespace {

bool is_op(const Node& node, std::string_view type) { return node.domain.empty() && node.op_type == type; }

/// A product whose operands are both computed: attention, the mixing of tokens.
bool multiplies_activations(const Graph& graph, const Node& node) {
  if (!node.domain.empty()) return false;
  if (node.op_type == "Attention" || node.op_type == "Einsum") return true;
  return (node.op_type == "MatMul" || node.op_type == "Gemm") && graph.constant(node.inputs[0]) == nullptr &&
         graph.constant(node.inputs[1]) == nullptr;
}

std::vector<std::uint8_t> unmixed_values(const Graph& graph) {
  std::vector<std::uint8_t> unmixed(graph.num_values(), 1);
  const std::vector<NodeId> order = graph.order();
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const Node& node = graph.node(*it);
    bool apart = !multiplies_activations(graph, node);
    for (const ValueId output : node.outputs) {
      if (output.valid() && unmixed[static_cast<std::size_t>(output.index)] == 0) apart = false;
    }
    if (apart) continue;
    for (const ValueId input : node.inputs) {
      if (input.valid()) unmixed[static_cast<std::size_t>(input.index)] = 0;
    }
  }
  return unmixed;
}

class ReadoutFinder {
 public:
  explicit ReadoutFinder(const TypedGraph& typed) : typed_(typed), graph_(typed.graph) {}

  std::optional<ReadoutTokens> find() {
    if (graph_.outputs.empty()) return std::nullopt;
    pending_ = {graph_.outputs.front()};
    std::set<std::int32_t> seen;
    while (!pending_.empty()) {
      const ValueId value = pending_.back();
      pending_.pop_back();
      if (!value.valid() || graph_.constant(value) != nullptr || !seen.insert(value.index).second) continue;
      const NodeId id = graph_.value(value).producer;
      if (!id.valid() || !step(graph_.node(id))) return std::nullopt;
    }
    if (tokens_.empty()) return std::nullopt;
    found_.tokens.assign(tokens_.begin(), tokens_.end());
    if (static_cast<std::int64_t>(tokens_.size()) >= found_.count()) return std::nullopt;
    found_.unmixed = unmixed_values(graph_);
    return std::move(found_);
  }

 private:
  /// False where tokens meet before any of them was picked.
  bool step(const Node& node) {
    if (multiplies_activations(graph_, node) || is_op(node, "Conv") || pools(node)) return false;
    if (is_op(node, "Gather")) return gather(node);
    if (is_op(node, "Slice")) return slice(node);
    pending_.insert(pending_.end(), node.inputs.begin(), node.inputs.end());
    return true;
  }

  bool pools(const Node& node) const {
    if (!node.domain.empty()) return false;
    if (node.op_type.find("Pool") != std::string::npos) return true;
    if (node.op_type.rfind("Reduce", 0) != 0) return false;
    const int rank = typed_.type(node.inputs[0]).shape.rank();
    std::vector<std::int64_t> axes = attr_ints(node, "axes");
    if (node.inputs.size() > 1 && node.inputs[1].valid()) {
      const Tensor* constant = graph_.constant(node.inputs[1]);
      if (constant == nullptr) return true;
      axes = to_vector<std::int64_t>(constant->view());
    }
    return axes.size() != 1 || normalize_axis(axes[0], rank) != rank - 1;
  }

  std::optional<std::vector<std::int64_t>> integers(const Node& node, std::size_t input) const {
    if (node.inputs.size() <= input || !node.inputs[input].valid()) return std::nullopt;
    const Tensor* constant = graph_.constant(node.inputs[input]);
    if (constant == nullptr) return std::nullopt;
    return to_vector<std::int64_t>(constant->view());
  }

  /// Whether positions along `axis` of a value can be tokens: not its batch alone, not its channels.
  static bool holds_tokens(const Shape& shape, int axis) {
    return shape.rank() == 3 && axis < shape.rank() - 1 && shape[axis] > 1;
  }

  bool pick(const Shape& shape, int axis, const std::vector<std::int64_t>& positions) {
    if (!tokens_.empty() && (found_.shape != shape || found_.axis != axis)) return false;
    found_.shape = shape;
    found_.axis = axis;
    for (const std::int64_t position : positions) {
      const std::int64_t token = position < 0 ? position + shape[axis] : position;
      if (token < 0 || token >= shape[axis]) return false;
      tokens_.insert(token);
    }
    return true;
  }

  bool gather(const Node& node) {
    const Shape& shape = typed_.type(node.inputs[0]).shape;
    const int axis = normalize_axis(attr_int(node, "axis", 0), shape.rank());
    const auto positions = integers(node, 1);
    if (!holds_tokens(shape, axis)) {
      pending_.push_back(node.inputs[0]);
      return true;
    }
    return positions && pick(shape, axis, *positions);
  }

  bool slice(const Node& node) {
    const Shape& shape = typed_.type(node.inputs[0]).shape;
    const Shape& out = typed_.type(node.outputs[0]).shape;
    const auto starts = integers(node, 1);
    const auto axes = integers(node, 3);
    const auto steps = integers(node, 4);
    if (!starts || !axes) return false;
    for (std::size_t k = 0; k < axes->size(); ++k) {
      const int axis = normalize_axis((*axes)[k], shape.rank());
      if (out[axis] == shape[axis] || axis == shape.rank() - 1) continue;
      if (!holds_tokens(shape, axis) || (steps && (*steps)[k] < 1)) return false;
      const std::int64_t start = (*starts)[k] < 0 ? (*starts)[k] + shape[axis] : (*starts)[k];
      std::vector<std::int64_t> positions;
      for (std::int64_t i = 0; i < out[axis]; ++i) positions.push_back(start + i * (steps ? (*steps)[k] : 1));
      return pick(shape, axis, positions);
    }
    pending_.push_back(node.inputs[0]);
    return true;
  }

  const TypedGraph& typed_;
  const Graph& graph_;
  std::vector<ValueId> pending_;
  ReadoutTokens found_;
  std::set<std::int64_t> tokens_;
};

}  // namespace

std::vector<std::uint8_t> ReadoutTokens::mask_for(const Shape& x) const {
  const bool same_layout = x.rank() == shape.rank() && x[axis] == shape[axis] && x[1 - axis] == shape[1 - axis];
  const bool flattened = x.rank() == 2 && axis == 1 && x[0] == shape[0] * shape[1];
  if (!same_layout && !flattened) return {};
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(count()), 0);
  for (const std::int64_t token : tokens) mask[static_cast<std::size_t>(token)] = 1;
  return mask;
}

std::optional<ReadoutTokens> find_readout_tokens(const TypedGraph& typed) { return ReadoutFinder(typed).find(); }

}  // namespace nq
