#include "onnx/linear_einsum.hpp"

#include <catch2/catch.hpp>

#include "proto_edit.hpp"
#include "support/models.hpp"

namespace nq {
namespace {

using test::floats;
using test::initializer_text;
using test::model_text;

struct Layer {
  std::string equation;
  Shape x, weight, y;
  bool weight_first = false;
};

std::string dims_text(const Shape& shape) {
  std::string text;
  for (const auto dim : shape) text += (text.empty() ? "" : ",") + std::to_string(dim);
  return text;
}

std::string body_of(const Layer& layer) {
  return "{ y = Einsum<equation = \"" + layer.equation + "\">(" + (layer.weight_first ? "w, x" : "x, w") + ") }";
}

ModelFile with_constant_weight(const Layer& layer) {
  return ModelFile::from_text(model_text("g (float[" + dims_text(layer.x) + "] x) => (float[" + dims_text(layer.y) + "] y)",
                                         {initializer_text("w", layer.weight)}, body_of(layer)));
}

/// The weight as an input: the Einsum operator itself computes it.
ModelFile with_weight_input(const Layer& layer) {
  return ModelFile::from_text(model_text("g (float[" + dims_text(layer.x) + "] x, float[" + dims_text(layer.weight) +
                                             "] w) => (float[" + dims_text(layer.y) + "] y)",
                                         {}, body_of(layer)));
}

std::size_t products(const Graph& graph) {
  std::size_t count = 0;
  for (const NodeId id : graph.order()) count += graph.node(id).op_type == "MatMul";
  return count;
}

}  // namespace

TEST_CASE("an Einsum with a constant weight is read as MatMul with the same values", "[onnx]") {
  const std::vector<Layer> layers = {{"abc,cd->abd", {2, 3, 4}, {4, 5}, {2, 3, 5}},
                                     {"...c,dc->...d", {2, 3, 4}, {5, 4}, {2, 3, 5}},
                                     {"bld,dhk->blhk", {2, 3, 4}, {4, 2, 3}, {2, 3, 2, 3}},
                                     {"bld, hkd -> blhk", {2, 3, 4}, {2, 3, 4}, {2, 3, 2, 3}},
                                     {"blhk,hkd->bld", {2, 3, 2, 4}, {2, 4, 5}, {2, 3, 5}},
                                     {"blhk,khd->bld", {2, 3, 2, 4}, {4, 2, 5}, {2, 3, 5}},
                                     {"cd,abc->abd", {2, 3, 4}, {4, 5}, {2, 3, 5}, true}};
  for (const Layer& layer : layers) {
    INFO(layer.equation);
    const ModelFile model = with_constant_weight(layer);
    CHECK(products(model.to_graph()) == 1);
    const Tensor x = test::random_tensor(layer.x, "x");
    const Tensor weight = *model.to_graph().constant(*model.to_graph().find_value("w"));
    const Tensor expected = test::run(with_weight_input(layer), {x, weight})[0];
    const Tensor output = test::run(model, {x})[0];
    REQUIRE(output.shape() == layer.y);
    for (std::size_t k = 0; k < floats(output).size(); ++k) {
      CHECK(floats(output)[k] == Approx(floats(expected)[k]).margin(1e-5));
    }
  }
}

TEST_CASE("an Einsum that is no linear layer stays", "[onnx]") {
  const std::vector<Layer> others = {{"abc,bcd->abd", {2, 3, 4}, {3, 4, 5}, {2, 3, 5}},   // batched weight
                                     {"abc,cd->dab", {2, 3, 4}, {4, 5}, {5, 2, 3}},       // output in another order
                                     {"abc,ad->bcd", {2, 3, 4}, {2, 5}, {3, 4, 5}},       // sums over the first axis
                                     {"abc,cde->abd", {2, 3, 4}, {4, 5, 2}, {2, 3, 5}},   // sums over the weight alone
                                     {"...hk,hkd->...d", {3, 2, 4}, {2, 4, 5}, {3, 5}}};  // open number of axes
  for (const Layer& layer : others) {
    INFO(layer.equation);
    CHECK(products(with_constant_weight(layer).to_graph()) == 0);
    CHECK_FALSE(has_linear_einsum(test::proto_of(with_constant_weight(layer))));
  }
  CHECK(products(with_weight_input({"abc,cd->abd", {2, 3, 4}, {4, 5}, {2, 3, 5}}).to_graph()) == 0);
}

}  // namespace nq
