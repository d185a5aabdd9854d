#include <catch2/catch.hpp>

#include "nq/executor.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"
#include "support/shared_data.hpp"

namespace nq {
namespace {

using test::floats;
using test::model_text;

Graph graph_of(const std::string& signature, const std::string& body,
               const std::vector<std::string>& initializers = {}) {
  return ModelFile::from_text(model_text(signature, initializers, body)).to_graph();
}

std::vector<std::string> ops_of(const TypedGraph& typed) {
  std::vector<std::string> ops;
  for (const NodeId id : typed.graph.order()) ops.push_back(typed.graph.node(id).op_type);
  return ops;
}

}  // namespace

TEST_CASE("a dynamic batch is fixed by the specialization", "[exec]") {
  const Graph graph = graph_of("g (float[batch, 4] x) => (float[batch, 4] y)", "{ y = Relu(x) }");
  for (const std::int64_t batch : {1, 3}) {
    const TypedGraph typed = specialize(graph, {{{"x", Shape{batch, 4}}}, {}});
    CHECK(typed.type(typed.graph.outputs[0]) == TensorType{DType::f32, {batch, 4}});
  }
  CHECK_ERROR(specialize(graph, {}), usage, "dimension 'batch' of model input 'x' is dynamic");
  CHECK_ERROR(specialize(graph, {{{"x", Shape{2, 5}}}, {}}), usage, "shape [2,5] does not fit");
  CHECK_ERROR(specialize(graph, {{{"x", Shape{2}}}, {}}), usage, "does not fit");
  CHECK_ERROR(specialize(graph, {{{"x", Shape{-2, 4}}}, {}}), input, "negative dimension");
  CHECK_ERROR(specialize(graph, {{{"z", Shape{2, 4}}, {"x", Shape{2, 4}}}, {}}), usage,
              "no input 'z'; its inputs are: x");
  CHECK_ERROR(specialize(graph, {{{"x", Shape{2, 4}}}, {{"k", Tensor::scalar(1.0F)}}}), usage,
              "no input 'k'");
}

TEST_CASE("inputs given as constants fold", "[exec]") {
  const Graph graph = graph_of("g (float[2,3] x, int64[2] s) => (float[a, b] y)", "{ y = Reshape(x, s) }");
  const Tensor shape = Tensor::of(Shape{2}, std::vector<std::int64_t>{3, -1});
  const TypedGraph typed = specialize(graph, {{}, {{"s", shape}}});
  CHECK(typed.graph.inputs.size() == 1);
  CHECK(typed.type(typed.graph.outputs[0]).shape == Shape{3, 2});
  CHECK_ERROR(specialize(graph, {}), unsupported, "in node 'y' (Reshape, opset 17)");
}

TEST_CASE("all unsupported operators are listed at once with their nodes", "[exec]") {
  const Graph graph = ModelFile::from_text(
                          "<ir_version: 8, opset_import: [\"\" : 17, \"custom\" : 1]>\n"
                          "g (float[2] x) => (float[2] y) { a = NoSuchThing(x) b = Relu(a) c = "
                          "custom.Magic(b) y = OtherThing(c) }")
                          .to_graph();
  const Error error = test::error_of([&] { (void)specialize(graph, {}); });
  CHECK(error.kind() == ErrorKind::unsupported);
  for (const char* text : {"3 nodes are not supported", "'a' (NoSuchThing, opset 17)",
                           "'c' (custom.Magic, opset 1)", "'y' (OtherThing, opset 17)"}) {
    CHECK_THAT(error.full_text(), Catch::Matchers::Contains(text));
  }
  CHECK(unsupported_nodes(graph, builtin_ops()).size() == 3);
}

TEST_CASE("an unsupported operator that nothing needs does not matter", "[exec]") {
  const Graph graph = graph_of("g (float[2] x) => (float[2] y)", "{ dead = NoSuchThing(x) y = Relu(x) }");
  CHECK(ops_of(specialize(graph, {})) == std::vector<std::string>{"Relu"});
}

TEST_CASE("Loop and Scan are refused by name", "[exec]") {
  const Graph graph = graph_of("g (float[2] x) => (float[2] y)",
                               "{ y = Loop<body = b (int64 i, bool c, float[2] s) => (bool c, float[2] t) { "
                               "t = Relu(s) }>(n, keep, x) }",
                               {"int64 n = {3}", "bool keep = {1}"});
  CHECK_ERROR(specialize(graph, {}), unsupported, "(Loop, opset 17)");
}

TEST_CASE("an If branch that declares inputs is refused", "[exec]") {
  CHECK_ERROR(graph_of("g (float[2] x) => (float[2] y)",
                       "{ y = If<then_branch = t (float[2] a) => (float[2] r) { r = Relu(a) }, "
                       "else_branch = e () => (float[2] q) { q = Neg(x) }>(c) }",
                       {"bool c = {1}"}),
              input, "takes no inputs");
}

TEST_CASE("shape arithmetic folds away", "[exec]") {
  const Graph graph = graph_of("g (float[batch, 6, 4] x) => (float[batch, 2, 12] y)", R"({
    s = Shape(x)
    zero = Constant<value_int = 0>()
    b = Gather<axis = 0>(s, zero)
    axes = Constant<value_ints = [0]>()
    b1 = Unsqueeze(b, axes)
    rest = Constant<value_ints = [2, 12]>()
    target = Concat<axis = 0>(b1, rest)
    y = Reshape(x, target)
  })");
  const TypedGraph typed = specialize(graph, {{{"x", Shape{5, 6, 4}}}, {}});
  CHECK(ops_of(typed) == std::vector<std::string>{"Reshape"});
  CHECK(typed.type(typed.graph.outputs[0]).shape == Shape{5, 2, 12});
}

TEST_CASE("errors of types name the node", "[exec]") {
  CHECK_ERROR(specialize(graph_of("g (float[2,3] x) => (float[2,3] y)", "{ y = MatMul(x, w) }",
                                  {"float[4,1] w = {1,2,3,4}"}),
                         {}),
              input, "in node 'y' (MatMul, opset 17)");
  CHECK_ERROR(specialize(graph_of("g (float[2] x) => (float[2] y)", "{ y, extra = Relu(x) }"), {}), input,
              "in node 'y'");
  CHECK_ERROR(specialize(graph_of("g (float[2] x) => (float[2] y)", "{ y = Identity() }"), {}), input,
              "(Identity");
}

TEST_CASE("a hostile Expand is not folded into memory", "[exec]") {
  const Graph graph = graph_of("g (float[1] x) => (float[n] y)", "{ big = Expand(k, s) y = Mul(big, x) }",
                               {"float[1] k = {1}", "int64[1] s = {8589934592}"});
  // 32 GiB stay a run-time value: specialization succeeds without allocating them.
  const TypedGraph typed = specialize(graph, {});
  CHECK(typed.type(typed.graph.outputs[0]).shape == Shape{std::int64_t{1} << 33});
  const Graph huge = graph_of("g (float[1] x) => (float[n] y)", "{ big = Expand(k, s) y = Mul(big, x) }",
                              {"float[1] k = {1}", "int64[2] s = {8589934592, 8589934592}"});
  CHECK_ERROR(specialize(huge, {}), resource, "2^34");
}

TEST_CASE("no shape plumbing is left in the shared ViT", "[exec]") {
  const auto path = test::shared_data("data/graphs/vit_opset17/model.onnx");
  if (!path) return;
  const Graph graph = ModelFile::load(*path).to_graph();
  const TypedGraph typed = specialize(graph, {{{"input", Shape{2, 3, 32, 32}}}, {}});
  for (const NodeId id : typed.graph.order()) {
    const Node& node = typed.graph.node(id);
    for (const char* plumbing :
         {"Shape", "Constant", "Identity", "Unsqueeze", "ConstantOfShape", "Cast", "Equal"}) {
      CHECK(node.op_type != plumbing);
    }
    for (const ValueId output : node.outputs) {
      if (output.valid()) CHECK(is_float(typed.type(output).dtype));
    }
  }
}

}  // namespace nq
