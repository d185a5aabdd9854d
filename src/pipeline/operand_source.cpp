#include "pipeline/operand_source.hpp"

#include <algorithm>
#include <set>

#include "exec/fusion/strided_view.hpp"

namespace nq {
namespace {

bool only_moves(const Node& node) {
  static const std::set<std::string, std::less<>> kTypes = {
      "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Split", "Slice", "Gather", "Identity"};
  return node.domain.empty() && kTypes.contains(node.op_type);
}

}  // namespace

struct OperandTracer::State {
  TypedGraph typed;
  const SiteSearch& found;
  FusionGraph graph;
  std::vector<std::vector<NodeId>> uses;

  State(const TypedGraph& source, const SiteSearch& search)
      : typed(source),
        found(search),
        graph(typed, std::vector<bool>(source.graph.num_values(), false)),
        uses(typed.graph.uses()) {}

  const LinearSite* made_by_site(ValueId value) const {
    const NodeId producer = typed.graph.value(value).producer;
    const auto it = std::find_if(found.sites.begin(), found.sites.end(), [&](const LinearSite& site) {
      return producer.valid() && producer == site.bias_node.value_or(site.node);
    });
    return it == found.sites.end() || it->kind == SiteKind::conv_patch ? nullptr : &*it;
  }

  bool scales_by_scalar(const Node& node) const {
    if (!node.domain.empty() || (node.op_type != "Mul" && node.op_type != "Div")) return false;
    return graph.scalar(node.inputs[1]) || (node.op_type == "Mul" && graph.scalar(node.inputs[0]));
  }

  bool is_attention_product(NodeId id) const {
    return std::any_of(found.attention.begin(), found.attention.end(), [id](const AttentionSite& site) {
      return site.scores.node == id || site.values.node == id;
    });
  }

  /// Every reader of `value`, however far down, is a product of attention.
  bool only_attention_reads(ValueId value) const {
    if (typed.graph.is_graph_output(value)) return false;
    const auto& readers = uses[static_cast<std::size_t>(value.index)];
    return std::all_of(readers.begin(), readers.end(), [&](NodeId id) {
      if (is_attention_product(id)) return true;
      const Node& node = typed.graph.node(id);
      if (!only_moves(node) && !scales_by_scalar(node)) return false;
      return std::all_of(node.outputs.begin(), node.outputs.end(),
                         [&](ValueId output) { return !output.valid() || only_attention_reads(output); });
    });
  }
};

OperandTracer::OperandTracer(const TypedGraph& typed, const SiteSearch& found)
    : state_(std::make_unique<State>(typed, found)) {}

OperandTracer::~OperandTracer() = default;

std::optional<OperandSource> OperandTracer::trace(ValueId operand, bool transposed) const {
  const StridedView view = view_of(state_->graph, operand);
  const LinearSite* site = state_->made_by_site(view.source);
  const auto rank = static_cast<std::size_t>(view.rank());
  if (site == nullptr || rank < 3 || !(view.factor > 0.0F) || !state_->only_attention_reads(view.source))
    return std::nullopt;
  const std::size_t head_axis = rank - 3;
  const std::size_t channel_axis = transposed ? rank - 2 : rank - 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const bool moves_channel = view.sizes[axis] > 1 && view.strides[axis] % site->c_out != 0;
    if (moves_channel && axis != head_axis && axis != channel_axis) return std::nullopt;
  }
  OperandSource source;
  source.site_origin = site->origin;
  source.factor = view.factor;
  for (std::int64_t head = 0; head < view.sizes[head_axis]; ++head) {
    for (std::int64_t channel = 0; channel < view.sizes[channel_axis]; ++channel) {
      const std::int64_t at =
          view.offset + head * view.strides[head_axis] + channel * view.strides[channel_axis];
      source.channel.push_back(static_cast<std::int32_t>(at % site->c_out));
    }
  }
  std::vector<std::int32_t> sorted = source.channel;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return std::nullopt;
  return source;
}

}  // namespace nq
