#include <catch2/catch.hpp>

#include "nq/model_file.hpp"
#include "proto_edit.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"

namespace nq {
namespace {

using test::floats;
using test::run;

const Tensor kFunctionInput = Tensor::of(Shape{2}, std::vector<float>{1, -2});

/// A model at opset 17 whose graph body may call the local functions.
ModelFile with_functions(const std::string& body, const std::vector<std::string>& functions) {
  std::string text =
      "<ir_version: 8, opset_import: [\"\" : 17, \"local\" : 1]>\ng (float[2] x) => (float[2] y)\n" + body +
      "\n";
  for (const auto& function : functions)
    text += "<domain: \"local\", opset_import: [\"\" : 17, \"local\" : 1]>\n" + function + "\n";
  return ModelFile::from_text(text);
}

const std::string kDouble = "Double (a) => (b) { t = Add(a, a) b = Identity(t) }";

}  // namespace

TEST_CASE("calls of local functions are expanded, nested ones too", "[onnx]") {
  const ModelFile model =
      with_functions("{ h = local.Quad(x) y = local.Double(h) }",
                     {kDouble, "Quad (a) => (b) { t = local.Double(a) b = local.Double(t) }"});
  CHECK(floats(run(model, {kFunctionInput})[0]) == std::vector<float>{8, -16});
  const Graph graph = model.to_graph();
  for (const NodeId id : graph.order()) CHECK(graph.node(id).domain.empty());
}

TEST_CASE("attributes reach the nodes of a function, also inside its subgraphs", "[onnx]") {
  const std::string soft = "Soft <axis> (a) => (b) { b = Softmax<axis: int = @axis>(a) }";
  const ModelFile model = with_functions("{ y = local.Soft<axis = 0>(x) }", {soft});
  const auto result = floats(run(model, {kFunctionInput})[0]);
  CHECK(result[0] + result[1] == Approx(1.0));

  const std::string guarded = R"(Guarded <slope> (a) => (b) {
    c = Constant<value = bool {1}>()
    b = If<then_branch = t () => (float[2] r) { r = LeakyRelu<alpha: float = @slope>(a) },
           else_branch = e () => (float[2] q) { q = Neg(a) }>(c)
  })";
  CHECK(floats(run(with_functions("{ y = local.Guarded<slope = 0.25>(x) }", {guarded}), {kFunctionInput})[0]) ==
        std::vector<float>{1, -0.5});
}

TEST_CASE("an attribute that the call leaves out is absent", "[onnx]") {
  const std::string leaky = "Leaky <slope> (a) => (b) { b = LeakyRelu<alpha: float = @slope>(a) }";
  const auto result = floats(run(with_functions("{ y = local.Leaky(x) }", {leaky}), {kFunctionInput})[0]);
  CHECK(result[1] == Approx(-0.02));
}

TEST_CASE("calls with equal or missing names keep their values apart", "[onnx]") {
  const ModelFile unnamed =
      with_functions("{ p = local.Double(x) q = local.Double(p) y = Add(p, q) }", {kDouble});
  for (const char* name : {"", "same"}) {
    const ModelFile model = test::with_proto(unnamed, [name](auto& proto) {
      for (int k = 0; k < 2; ++k) proto.mutable_graph()->mutable_node(k)->set_name(name);
      for (auto& node : *proto.mutable_functions(0)->mutable_node()) node.set_name("inner");
    });
    CHECK(floats(run(model, {kFunctionInput})[0]) == std::vector<float>{6, -12});
  }
}

TEST_CASE("a function may hand on its input and leave outputs unused", "[onnx]") {
  const std::string pass = "Pass (a, b) => (a, c) { c = Add(a, b) }";
  const ModelFile model = with_functions("{ p, q = local.Pass(x, x) y = Add(p, q) }", {pass});
  CHECK(floats(run(model, {kFunctionInput})[0]) == std::vector<float>{3, -6});
  CHECK(floats(run(with_functions("{ y = local.Pass(x, x) }", {pass}), {kFunctionInput})[0]) ==
        std::vector<float>{1, -2});
}

TEST_CASE("optional inputs of a function may be left out", "[onnx]") {
  const std::string clip = "Bound (a, low, high) => (b) { b = Clip(a, low, high) }";
  const ModelFile model =
      with_functions("{ k = Constant<value = float {-1}>() y = local.Bound(x, k) }", {clip});
  CHECK(floats(run(model, {kFunctionInput})[0]) == std::vector<float>{1, -1});
}

TEST_CASE("recursive and exploding functions are refused quickly", "[onnx]") {
  CHECK_ERROR(with_functions("{ y = local.Loop(x) }", {"Loop (a) => (b) { b = local.Loop(a) }"}).to_graph(),
              input, "deep");
  // 25 levels of doubling: 2^25 calls of a function without nodes of its own.
  std::vector<std::string> bomb = {"F0 (a) => (a) { }"};
  for (int level = 1; level <= 25; ++level) {
    bomb.push_back(
        fmt::format("F{} (a) => (b) {{ t = local.F{}(a) b = local.F{}(t) }}", level, level - 1, level - 1));
  }
  const ModelFile model = test::with_proto(with_functions("{ y = local.F25(x) }", bomb), [](auto& proto) {
    for (auto& function : *proto.mutable_functions()) {
      if (function.name() == "F0") function.clear_output();
    }
  });
  CHECK_ERROR(model.to_graph(), resource, "nodes");
}

TEST_CASE("a function of another opset is refused", "[onnx]") {
  const ModelFile model = test::with_proto(
      with_functions("{ y = local.Double(x) }", {kDouble}),
      [](auto& proto) { proto.mutable_functions(0)->mutable_opset_import(0)->set_version(11); });
  CHECK_ERROR(model.to_graph(), unsupported, "imports opset 11");
}

TEST_CASE("If branches in functions capture the function's values", "[onnx]") {
  const std::string guarded = R"(Guarded (a) => (b) {
    c = Constant<value = bool {0}>()
    twice = Add(a, a)
    b = If<then_branch = t () => (float[2] r) { r = Neg(a) },
           else_branch = e () => (float[2] q) { s = Mul(twice, a) q = Add(s, twice) }>(c)
  })";
  // 2x^2 + 2x, then applied again under the same names.
  const ModelFile model = with_functions("{ h = local.Guarded(x) y = local.Guarded(h) }", {guarded});
  CHECK(floats(run(model, {kFunctionInput})[0]) == std::vector<float>{40, 40});
}

}  // namespace nq
