#include "pipeline/architecture.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace nq {
namespace {

constexpr const char* kAttention = "attention";
constexpr const char* kWindowed = "windowed attention";
constexpr const char* kOneQuery = "attention of one query";
constexpr const char* kPacked = "packed q, k, v";
constexpr const char* kTokenMixing = "layer over tokens";
constexpr const char* kOverlapping = "convolution with overlapping windows";
constexpr const char* kDepthwise = "grouped convolution";
constexpr const char* kPatches = "patch convolution";
constexpr const char* kOneByOne = "1x1 convolution";
constexpr const char* kClassToken = "constant token joined to the others";
constexpr const char* kScale = "layer scale";
constexpr const char* kNorm = "normalization over channels";
constexpr const char* kOrder[] = {kAttention, kWindowed,  kOneQuery, kPacked,     kTokenMixing, kOverlapping,
                                  kDepthwise, kPatches,   kOneByOne, kClassToken, kScale,       kNorm};

class Finder {
 public:
  Finder(const TypedGraph& typed, const SiteSearch& sites)
      : typed_(typed), graph_(typed.graph), sites_(sites), uses_(graph_.uses()) {}

  std::vector<ArchitecturePart> run() {
    for (const LinearSite& site : sites_.sites) add_site(site);
    for (const NodeId id : graph_.order()) add_node(graph_.node(id));
    std::vector<ArchitecturePart> parts;
    for (const char* part : kOrder) {
      if (counts_[part] > 0) parts.push_back({part, counts_[part]});
    }
    return parts;
  }

 private:
  void add_site(const LinearSite& site) {
    results_.insert(graph_.node(site.bias_node.value_or(site.node)).outputs.front().index);
    if (site.kind == SiteKind::conv_patch) {
      ++counts_[site.weight.shape()[2] == 1 && site.weight.shape()[3] == 1 ? kOneByOne : kPatches];
      return;
    }
    if (site.c_out == 3 * site.c_in) ++counts_[kPacked];
    // [N, channels, tokens]: a Transpose brought the tokens to the last axis.
    if (const Node* source = producer(site.x); source != nullptr && source->op_type == "Transpose" && site.input_rank == 3) {
      const auto perm = attr_ints(*source, "perm");
      if (perm == std::vector<std::int64_t>{0, 2, 1}) ++counts_[kTokenMixing];
    }
  }

  void add_node(const Node& node) {
    if (node.op_type == "Softmax" && feeds_product(node.outputs.front())) add_attention(typed_.type(node.outputs.front()).shape);
    if (node.op_type == "Attention") ++counts_[kAttention];
    if (node.op_type == "Conv" && !is_site(node)) ++counts_[attr_int(node, "group", 1) > 1 ? kDepthwise : kOverlapping];
    if (node.op_type == "Concat" && joins_constant_token(node)) ++counts_[kClassToken];
    if (node.op_type == "Mul" && scales_layer(node)) ++counts_[kScale];
    if (node.op_type == "LayerNormalization" || node.op_type == "RMSNormalization") ++counts_[kNorm];
  }

  /// Scores [images, heads, queries, keys]; windows multiply the first axis.
  void add_attention(const Shape& scores) {
    ++counts_[kAttention];
    if (scores.rank() < 3) return;
    if (scores[scores.rank() - 2] == 1) ++counts_[kOneQuery];
    else if (scores.rank() == 5 || (scores.rank() == 4 && scores[0] > batch())) ++counts_[kWindowed];
  }

  std::int64_t batch() const {
    const Shape& input = typed_.type(graph_.inputs.front()).shape;
    return input.rank() > 0 ? input[0] : 1;
  }

  const Node* producer(ValueId value) const {
    const NodeId id = graph_.value(value).producer;
    return id.valid() ? &graph_.node(id) : nullptr;
  }

  bool is_site(const Node& node) const {
    return std::any_of(sites_.sites.begin(), sites_.sites.end(), [&](const LinearSite& site) { return site.node == node.id; });
  }

  /// A product of two activations reads the value, directly or under another shape.
  bool feeds_product(ValueId value, int depth = 0) const {
    static const std::set<std::string> kMoves = {"Reshape", "Transpose", "Cast", "Identity", "Squeeze", "Unsqueeze", "Dropout"};
    constexpr int kMaxMoves = 4;
    const auto& readers = uses_[static_cast<std::size_t>(value.index)];
    return std::any_of(readers.begin(), readers.end(), [&](NodeId id) {
      const Node& reader = graph_.node(id);
      if (kMoves.contains(reader.op_type)) return depth < kMaxMoves && feeds_product(reader.outputs.front(), depth + 1);
      return (reader.op_type == "MatMul" || reader.op_type == "Einsum") && reader.inputs.size() == 2 &&
             graph_.constant(reader.inputs[0]) == nullptr && graph_.constant(reader.inputs[1]) == nullptr;
    });
  }

  bool joins_constant_token(const Node& node) const {
    if (typed_.type(node.outputs.front()).shape.rank() != 3 || attr_int(node, "axis", 0) != 1) return false;
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) { return graph_.constant(input) != nullptr; });
  }

  bool scales_layer(const Node& node) const {
    for (int slot = 0; slot < 2; ++slot) {
      const Tensor* constant = graph_.constant(node.inputs[static_cast<std::size_t>(slot)]);
      const ValueId other = node.inputs[static_cast<std::size_t>(1 - slot)];
      if (constant == nullptr || constant->elements() < 2 || !results_.contains(other.index)) continue;
      if (typed_.type(other).shape.back() == constant->elements()) return true;
    }
    return false;
  }

  const TypedGraph& typed_;
  const Graph& graph_;
  const SiteSearch& sites_;
  std::vector<std::vector<NodeId>> uses_;
  std::map<std::string, std::int64_t> counts_;
  std::set<std::int32_t> results_;  ///< results of the linear layers
};

}  // namespace

std::vector<ArchitecturePart> find_architecture(const TypedGraph& typed, const SiteSearch& sites) {
  return Finder(typed, sites).run();
}

std::string family_of(const std::vector<ArchitecturePart>& parts) {
  const auto count = [&parts](const char* name) {
    const auto it = std::find_if(parts.begin(), parts.end(), [name](const ArchitecturePart& part) { return part.name == name; });
    return it == parts.end() ? std::int64_t{0} : it->count;
  };
  const std::int64_t convolutions = count(kOverlapping) + count(kDepthwise);
  if (count(kWindowed) > 0) return "transformer with windowed attention (Swin and relatives)";
  if (count(kAttention) > 0 && convolutions > count(kAttention)) return "hybrid of convolutions and attention";
  if (count(kAttention) > 0) return "vision transformer";
  if (count(kTokenMixing) > 1) return "MLP over tokens and channels (MLP-Mixer, ResMLP)";
  if (convolutions > 0 && count(kNorm) > 0) return "convolutional network with transformer-like blocks";
  return "other network";
}

}  // namespace nq
