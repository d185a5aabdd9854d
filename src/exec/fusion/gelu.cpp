#include <cmath>
#include <numbers>

#include "exec/fusion/fuse.hpp"

namespace nq {
namespace {

constexpr float kSqrt2 = std::numbers::sqrt2_v<float>;

bool near(float value, float wanted) { return std::fabs(value - wanted) <= 1e-6F * wanted; }

/// x when `value` is 1 + erf(x / sqrt(2)).
std::optional<ValueId> match_one_plus_erf(const FusionGraph& graph, ValueId value) {
  const Node* add = graph.made_by(value, "Add");
  if (add == nullptr || graph.sole_reader(value) == nullptr) return std::nullopt;
  for (std::size_t slot = 0; slot < 2; ++slot) {
    const Node* erf = graph.made_by(add->inputs[slot], "Erf");
    if (erf == nullptr || graph.scalar(add->inputs[1 - slot]) != 1.0F) continue;
    const ValueId scaled = erf->inputs[0];
    if (graph.sole_reader(add->inputs[slot]) == nullptr || graph.sole_reader(scaled) == nullptr) continue;
    if (const Node* div = graph.made_by(scaled, "Div")) {
      const auto divisor = graph.scalar(div->inputs[1]);
      if (divisor && near(*divisor, kSqrt2)) return div->inputs[0];
    }
    if (const Node* mul = graph.made_by(scaled, "Mul")) {
      for (std::size_t side = 0; side < 2; ++side) {
        const auto factor = graph.scalar(mul->inputs[1 - side]);
        if (factor && near(*factor, 1.0F / kSqrt2)) return mul->inputs[side];
      }
    }
  }
  return std::nullopt;
}

/// The other operand when `value` is a product with the constant 0.5.
std::optional<ValueId> match_half_of(const FusionGraph& graph, ValueId value) {
  const Node* mul = graph.made_by(value, "Mul");
  if (mul == nullptr) return std::nullopt;
  for (std::size_t side = 0; side < 2; ++side) {
    if (graph.scalar(mul->inputs[1 - side]) == 0.5F) return mul->inputs[side];
  }
  return std::nullopt;
}

/// x when `value` is x * (1 + erf(x / sqrt 2)), or the same with x halved first.
std::optional<ValueId> match_product(const FusionGraph& graph, const Node& mul, bool halved) {
  for (std::size_t side = 0; side < 2; ++side) {
    const auto x = match_one_plus_erf(graph, mul.inputs[1 - side]);
    if (!x) continue;
    if (!halved && mul.inputs[side] == *x) return x;
    const auto half = halved && graph.sole_reader(mul.inputs[side]) != nullptr
                          ? match_half_of(graph, mul.inputs[side])
                          : std::nullopt;
    if (half == *x) return x;
  }
  return std::nullopt;
}

std::optional<ValueId> match_gelu(const FusionGraph& graph, const Node& mul) {
  if (const auto x = match_product(graph, mul, true)) return x;
  for (std::size_t side = 0; side < 2; ++side) {
    if (graph.scalar(mul.inputs[1 - side]) != 0.5F) continue;
    const Node* inner = graph.made_by(mul.inputs[side], "Mul");
    if (inner == nullptr || graph.sole_reader(mul.inputs[side]) == nullptr) continue;
    if (const auto x = match_product(graph, *inner, false)) return x;
  }
  // x * (0.5 * (1 + erf(x / sqrt 2)))
  for (std::size_t side = 0; side < 2; ++side) {
    if (graph.sole_reader(mul.inputs[1 - side]) == nullptr) continue;
    const auto gate = match_half_of(graph, mul.inputs[1 - side]);
    const auto x = gate ? match_one_plus_erf(graph, *gate) : std::nullopt;
    if (x && *x == mul.inputs[side]) return x;
  }
  return std::nullopt;
}

}  // namespace

void fuse_gelu(FusionGraph& graph) {
  for (const NodeId id : graph.order()) {
    const Node& mul = graph.node(id);
    if (mul.op_type != "Mul" || !mul.domain.empty() || mul.inputs.size() != 2 || !graph.all_f32(mul)) continue;
    const auto x = match_gelu(graph, mul);
    if (!x || graph.type(*x) != graph.type(mul.outputs.front())) continue;
    Node node = internal_node("Gelu", mul);
    node.domain.clear();
    node.opset = 20;
    node.inputs = {*x};
    node.outputs = mul.outputs;
    graph.replace(id, std::move(node));
  }
}

}  // namespace nq
