#include "pipeline/layer_pairs.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "graph/graph_walk.hpp"
#include "nq/linear_site.hpp"

namespace nq {
namespace {

constexpr std::size_t kMaxLayerNodes = 200;

bool same_tensor(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && a.dtype() != DType::string && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

bool same_attribute(const AttributeValue& a, const AttributeValue& b) {
  if (a.index() != b.index()) return false;
  if (const auto* tensor = std::get_if<Tensor>(&a)) return same_tensor(*tensor, std::get<Tensor>(b));
  return std::visit(
      [&](const auto& value) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, Tensor>) return false;
        else return value == std::get<Value>(b);
      },
      a);
}

bool same_attributes(const Attributes& a, const Attributes& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& left, const auto& right) {
    return left.first == right.first && same_attribute(left.second, right.second);
  });
}

/// Decides which values of two graphs are the same function of the same inputs, one node at a time.
class Equivalence {
 public:
  Equivalence(const TypedGraph& reference, const TypedGraph& other) : reference_(reference), other_(other) {}

  /// The value means the same in both graphs, rounding and quantization error above it apart.
  bool is_same(ValueId value) {
    const Value& other = other_.graph.value(value);
    const auto id = reference_.graph.find_value(other.name);
    if (!id || reference_.graph.constant(*id) != nullptr || !(reference_.type(*id) == other_.type(value))) return false;
    const Value& reference = reference_.graph.value(*id);
    if (!other.producer.valid() || !reference.producer.valid()) return other.producer.valid() == reference.producer.valid();
    return same_node(reference_.graph.node(reference.producer), other_.graph.node(other.producer)) && !is_altered(value);
  }

 private:
  /// A constant that is no bias was changed above the value, with no product between: the layer that reads it
  /// expects the change (a noisy bias or channel scale folded into a LayerNormalization).
  bool is_altered(ValueId value) {
    if (!value.valid()) return false;
    if (const auto known = altered_.find(value); known != altered_.end()) return known->second;
    bool& altered = altered_[value];
    altered = find_alteration(value);
    return altered;
  }

  bool find_alteration(ValueId value) {
    const Value& other = other_.graph.value(value);
    const auto id = reference_.graph.find_value(other.name);
    if (!id || other.constant || !other.producer.valid() || !reference_.graph.value(*id).producer.valid()) return false;
    const Node& node = other_.graph.node(other.producer);
    const Node& original = reference_.graph.node(reference_.graph.value(*id).producer);
    if (node.op_type != original.op_type || is_product(node) || is_bias_add(original)) return false;
    for (std::size_t slot = 0; slot < std::min(node.inputs.size(), original.inputs.size()); ++slot) {
      if (!node.inputs[slot].valid() || !original.inputs[slot].valid()) continue;
      const Tensor* left = reference_.graph.constant(original.inputs[slot]);
      const Tensor* right = other_.graph.constant(node.inputs[slot]);
      if (left != nullptr && right != nullptr && !same_tensor(*left, *right)) return true;
    }
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) { return is_altered(input); });
  }

  bool is_bias_add(const Node& node) const {
    return node.op_type == "Add" && std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
             const NodeId producer = reference_.graph.value(input).producer;
             return producer.valid() && is_product(reference_.graph.node(producer));
           });
  }

  bool same_node(const Node& reference, const Node& other) const {
    if (reference.removed || reference.op_type != other.op_type || reference.domain != other.domain ||
        reference.inputs.size() != other.inputs.size() || !same_attributes(reference.attributes, other.attributes)) {
      return false;
    }
    for (std::size_t slot = 0; slot < other.inputs.size(); ++slot) {
      if (!same_input(reference.inputs[slot], other.inputs[slot])) return false;
    }
    return true;
  }

  bool same_input(ValueId reference, ValueId other) const {
    if (!reference.valid() || !other.valid()) return reference.valid() == other.valid();
    const Tensor* left = reference_.graph.constant(reference);
    const Tensor* right = other_.graph.constant(other);
    if (left != nullptr && right != nullptr) return left == right || same_tensor(*left, *right);
    return left == right && reference_.graph.value(reference).name == other_.graph.value(other).name;
  }

  const TypedGraph& reference_;
  const TypedGraph& other_;
  std::map<ValueId, bool> altered_;
};

/// Walks up from a layer's output to where the graphs agree.
class LayerWalk {
 public:
  LayerWalk(const TypedGraph& other, Equivalence& equivalence) : graph_(other.graph), equivalence_(equivalence) {}

  void run(LayerPair& pair) {
    walk(pair.other_value, true);
    pair.quantized = quantized_;
    if (!gap_.empty()) pair.gap = gap_;
    else pair.cuts.assign(cuts_.begin(), cuts_.end());
  }

 private:
  void walk(ValueId value, bool is_output) {
    if (!value.valid() || graph_.constant(value) != nullptr || !gap_.empty() || cuts_.contains(value)) return;
    const NodeId id = graph_.value(value).producer;
    if (!is_output && equivalence_.is_same(value)) {
      cuts_.insert(value);
      return;
    }
    if (!id.valid()) {
      gap_ = "its input '" + graph_.value(value).name + "' is not in the reference";
      return;
    }
    if (!seen_.insert(id.index).second) return;
    const Node& node = graph_.node(id);
    if (seen_.size() > kMaxLayerNodes) {
      gap_ = "the graphs differ too far above it";
      return;
    }
    quantized_ = quantized_ || node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear";
    for (const ValueId input : node.inputs) walk(input, false);
  }

  const Graph& graph_;
  Equivalence& equivalence_;
  std::set<ValueId> cuts_;
  std::set<std::int32_t> seen_;
  bool quantized_ = false;
  std::string gap_;
};

/// Output of a product with its bias.
std::map<std::int32_t, ValueId> biased_outputs(const TypedGraph& graph) {
  std::map<std::int32_t, ValueId> outputs;
  for (const LinearSite& site : find_linear_sites(graph).sites) {
    if (site.bias_node) outputs[site.node.index] = graph.graph.node(*site.bias_node).outputs.front();
  }
  return outputs;
}

}  // namespace

LayerPairing pair_layers(const TypedGraph& reference, const TypedGraph& other) {
  LayerPairing result;
  Equivalence equivalence(reference, other);
  const auto biased = biased_outputs(reference);
  for (const NodeId id : reference.graph.order()) {
    const Node& node = reference.graph.node(id);
    if (!is_product(node)) continue;
    LayerPair pair;
    pair.name = node.display_name();
    pair.origin = node.origin;
    const auto with_bias = biased.find(id.index);
    pair.reference_value = with_bias == biased.end() ? node.outputs.front() : with_bias->second;
    const auto counterpart = other.graph.find_value(reference.graph.value(pair.reference_value).name);
    const bool is_live = counterpart && other.graph.value(*counterpart).producer.valid() &&
                         !other.graph.node(other.graph.value(*counterpart).producer).removed &&
                         other.type(*counterpart) == reference.type(pair.reference_value) &&
                         is_float(reference.type(pair.reference_value).dtype);
    if (!is_live) {
      const std::string& name = reference.graph.value(pair.reference_value).name;
      result.unmatched.push_back({pair.name, "the other model has no value '" + name + "' of its type and shape"});
      continue;
    }
    pair.other_value = *counterpart;
    const Shape& shape = reference.type(pair.reference_value).shape;
    pair.c_out = node.op_type == "Conv" ? shape[1] : shape.back();
    LayerWalk(other, equivalence).run(pair);
    result.pairs.push_back(std::move(pair));
  }
  return result;
}

}  // namespace nq
