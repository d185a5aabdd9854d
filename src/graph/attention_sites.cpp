#include <algorithm>

#include "nq/attention_site.hpp"

namespace nq {
namespace {

constexpr int kMaxSteps = 12;  ///< nodes between the products and the Softmax

/// What was passed on the way from the Softmax up to the scores.
struct Climb {
  const Node* product = nullptr;
  float factor = 1.0F;
  bool only_scalars = true;
};

class AttentionFinder {
 public:
  explicit AttentionFinder(const TypedGraph& typed) : typed_(typed), graph_(typed.graph) {}

  std::vector<AttentionSite> run() const {
    std::vector<AttentionSite> sites;
    for (const NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      if (auto site = match(node)) sites.push_back(std::move(*site));
    }
    return sites;
  }

 private:
  const Node* producer(ValueId value) const {
    if (!value.valid() || graph_.constant(value) != nullptr) return nullptr;
    const NodeId id = graph_.value(value).producer;
    return id.valid() ? &graph_.node(id) : nullptr;
  }

  bool is_activation_product(const Node& node) const {
    if (!is(node, "MatMul") || node.origin.empty() || node.inputs.size() != 2) return false;
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
      return graph_.constant(input) == nullptr && typed_.type(input).shape.rank() >= 3;
    });
  }

  static bool is(const Node& node, std::string_view type) {
    return node.domain.empty() && node.op_type == type;
  }

  static bool keeps_elements(const Node& node) {
    return is(node, "Reshape") || is(node, "Identity") || is(node, "Dropout") || is(node, "Squeeze") ||
           is(node, "Unsqueeze") || is_quantizer(node);
  }

  /// In a file that is quantized already, the operands lie behind their quantizers.
  static bool is_quantizer(const Node& node) {
    return is(node, "DequantizeLinear") || is(node, "QuantizeLinear") || is(node, "Clip");
  }

  std::optional<AttentionSite> match(const Node& values) const {
    if (!is_activation_product(values)) return std::nullopt;
    const Node* softmax = find_softmax(values.inputs[0]);
    if (softmax == nullptr) return std::nullopt;
    const Climb climb = climb_to_scores(softmax->inputs[0]);
    if (climb.product == nullptr) return std::nullopt;
    AttentionSite site;
    site.scores = describe(*climb.product, ProductRole::scores);
    site.values = describe(values, ProductRole::values);
    if (climb.only_scalars) site.factor = climb.factor;
    return site;
  }

  const Node* find_softmax(ValueId value) const {
    for (int step = 0; step < kMaxSteps; ++step) {
      const Node* node = producer(value);
      if (node == nullptr) return nullptr;
      if (is(*node, "Softmax")) return over_last_axis(*node) ? node : nullptr;
      if (!keeps_elements(*node)) return nullptr;
      value = node->inputs[0];
    }
    return nullptr;
  }

  bool over_last_axis(const Node& softmax) const {
    const int rank = typed_.type(softmax.inputs[0]).shape.rank();
    const std::int64_t axis = attr_int(softmax, "axis", softmax.opset < 13 ? 1 : -1);
    return axis == -1 || axis == rank - 1;
  }

  Climb climb_to_scores(ValueId value) const {
    Climb climb;
    for (int step = 0; step < kMaxSteps; ++step) {
      const Node* node = producer(value);
      if (node == nullptr) return climb;
      if (is_activation_product(*node)) {
        climb.product = node;
        return climb;
      }
      const ValueId next = above(*node, climb);
      if (!next.valid()) return climb;
      value = next;
    }
    return climb;
  }

  /// The input of an elementwise node that leads to the scores; invalid when the node is none.
  ValueId above(const Node& node, Climb& climb) const {
    if (keeps_elements(node)) return node.inputs[0];
    if (is(node, "Mul") || is(node, "Div")) return above_factor(node, climb);
    if (is(node, "Add") || is(node, "Sub"))
      return leads_to_product(node.inputs[0]) ? node.inputs[0] : node.inputs[1];
    if (is(node, "Where")) {
      climb.only_scalars = false;
      return leads_to_product(node.inputs[1]) ? node.inputs[1] : node.inputs[2];
    }
    return {};
  }

  ValueId above_factor(const Node& node, Climb& climb) const {
    const bool divides = is(node, "Div");
    const std::size_t data = divides || leads_to_product(node.inputs[0]) ? 0 : 1;
    const Tensor* constant = graph_.constant(node.inputs[1 - data]);
    if (constant != nullptr && constant->elements() == 1 && is_float(constant->dtype())) {
      const float factor = to_vector<float>(constant->view())[0];
      climb.factor *= divides ? 1.0F / factor : factor;
    } else {
      climb.only_scalars = false;
    }
    return node.inputs[data];
  }

  /// A product of activations lies a few elementwise steps above `value`.
  bool leads_to_product(ValueId value) const {
    for (int step = 0; step < kMaxSteps; ++step) {
      const Node* node = producer(value);
      if (node == nullptr) return false;
      if (is_activation_product(*node)) return true;
      const bool passes = keeps_elements(*node) || is(*node, "Mul") || is(*node, "Div") || is(*node, "Add") ||
                          is(*node, "Sub") || is(*node, "Where");
      if (!passes) return false;
      const ValueId* data = std::find_if(node->inputs.data(), node->inputs.data() + node->inputs.size(),
                                         [&](ValueId input) { return producer(input) != nullptr; });
      if (data == node->inputs.data() + node->inputs.size()) return false;
      value = *data;
    }
    return false;
  }

  ProductSite describe(const Node& node, ProductRole role) const {
    ProductSite site;
    site.name = node.display_name();
    site.origin = node.origin;
    site.role = role;
    site.node = node.id;
    site.left = node.inputs[0];
    site.right = node.inputs[1];
    site.macs = typed_.type(node.outputs[0]).shape.elements() * typed_.type(site.left).shape.back();
    return site;
  }

  const TypedGraph& typed_;
  const Graph& graph_;
};

}  // namespace

std::string_view to_string(ProductRole role) noexcept {
  return role == ProductRole::scores ? "scores" : "values";
}

std::vector<AttentionSite> find_attention_sites(const TypedGraph& graph) {
  return AttentionFinder(graph).run();
}

}  // namespace nq
