#include "exec/fusion/fuse.hpp"

namespace nq {
namespace {

/// [N, C, H, W] merged to [N, C, H*W].
bool merges_positions(const FusionGraph& graph, const Node& reshape) {
  const Shape& in = graph.shape(reshape.inputs[0]);
  const Shape& out = graph.shape(reshape.outputs.front());
  return in.rank() == 4 && out == Shape{in[0], in[1], in[2] * in[3]};
}

bool tiles_its_input(const FusionGraph& graph, const Node& conv) {
  const Tensor* kernel = graph.constant(conv.inputs[1]);
  if (kernel == nullptr || kernel->shape().rank() != 4 || attr_int(conv, "group", 1) != 1) return false;
  const auto strides = attr_ints(conv, "strides");
  const Shape& image = graph.shape(conv.inputs[0]);
  const Shape& size = kernel->shape();
  const auto all_are = [&conv](const char* name, std::int64_t value) {
    for (const std::int64_t item : attr_ints(conv, name)) {
      if (item != value) return false;
    }
    return true;
  };
  return strides.size() == 2 && strides[0] == size[2] && strides[1] == size[3] && all_are("pads", 0) &&
         all_are("dilations", 1) && attr_string(conv, "auto_pad", "NOTSET") == "NOTSET" &&
         image[2] % size[2] == 0 && image[3] % size[3] == 0;
}

}  // namespace

void fuse_patch_embed(FusionGraph& graph) {
  for (const NodeId id : graph.order()) {
    const Node& conv = graph.node(id);
    if (conv.removed || conv.op_type != "Conv" || !conv.domain.empty() || !graph.all_f32(conv)) continue;
    if (!tiles_its_input(graph, conv)) continue;
    const Node* reshape = graph.sole_reader(conv.outputs.front());
    if (reshape == nullptr || reshape->op_type != "Reshape" || !merges_positions(graph, *reshape)) continue;
    const Node* transpose = graph.sole_reader(reshape->outputs.front());
    if (transpose == nullptr || transpose->op_type != "Transpose" ||
        attr_ints(*transpose, "perm") != std::vector<std::int64_t>{0, 2, 1}) continue;
    Node node = internal_node("PatchEmbed", conv);
    node.inputs = conv.inputs;
    node.attributes = conv.attributes;
    node.outputs = transpose->outputs;
    graph.replace(transpose->id, std::move(node));
  }
}

}  // namespace nq
