#include <catch2/catch.hpp>

#include "nq/executor.hpp"
#include "nq/model_file.hpp"
#include "proto_edit.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"

namespace nq {
namespace {

using test::floats;
using test::model_text;
using test::run;

ModelFile parse(const std::string& signature, const std::string& body, int opset = 17,
                const std::vector<std::string>& initializers = {}) {
  return ModelFile::from_text(model_text(signature, initializers, body, opset));
}

const Tensor kGraphInput = Tensor::of(Shape{2}, std::vector<float>{1, -2});

}  // namespace

TEST_CASE("an initializer that is also a graph input is a constant", "[onnx]") {
  const ModelFile plain =
      parse("g (float[2] x) => (float[2] y)", "{ y = Add(x, w) }", 17, {"float[2] w = {10, 20}"});
  const ModelFile model = test::with_proto(plain, [](auto& proto) {
    auto* input = proto.mutable_graph()->add_input();
    *input = proto.graph().input(0);
    input->set_name("w");
  });
  const Graph graph = model.to_graph();
  REQUIRE(graph.inputs.size() == 1);
  CHECK(graph.value(graph.inputs[0]).name == "x");
  CHECK(floats(run(graph, {kGraphInput})[0]) == std::vector<float>{11, 18});
}

TEST_CASE("Constant nodes of every form are constants", "[onnx]") {
  const Graph graph = parse("g (float[2] x) => (float[2] y)", R"({
    a = Constant<value = float[2] {1, 2}>()
    b = Constant<value_float = 3.5>()
    c = Constant<value_int = 7>()
    d = Constant<value_floats = [1.5, 2.5]>()
    e = Constant<value_ints = [4, 5, 6]>()
    f = Constant<value_string = "text">()
    h = Constant<value_strings = ["a", "b"]>()
    y = Add(x, a)
  })")
                          .to_graph();
  const auto constant = [&](const char* name) -> const Tensor& {
    return *graph.constant(*graph.find_value(name));
  };
  CHECK(floats(constant("a")) == std::vector<float>{1, 2});
  CHECK(constant("b").type() == TensorType{DType::f32, {}});
  CHECK(floats(constant("b")) == std::vector<float>{3.5});
  CHECK(constant("c").type() == TensorType{DType::i64, {}});
  CHECK(to_vector<std::int64_t>(constant("c").view()) == std::vector<std::int64_t>{7});
  CHECK(floats(constant("d")) == std::vector<float>{1.5, 2.5});
  CHECK(constant("e").type() == TensorType{DType::i64, {3}});
  CHECK(constant("f").strings() == std::vector<std::string>{"text"});
  CHECK(constant("h").type() == TensorType{DType::string, {2}});
  CHECK(graph.order().size() == 1);
}

TEST_CASE("malformed Constant nodes are refused", "[onnx]") {
  const ModelFile model =
      parse("g (float[2] x) => (float[2] y)", "{ a = Constant<value_int = 7>() y = Add(x, a) }");
  CHECK_ERROR(test::with_proto(model, [](auto& p) { p.mutable_graph()->mutable_node(0)->clear_attribute(); })
                  .to_graph(),
              input, "in node 'a' (Constant)");
  CHECK_ERROR(
      test::with_proto(
          model,
          [](auto& p) { p.mutable_graph()->mutable_node(0)->mutable_attribute(0)->set_name("value_other"); })
          .to_graph(),
      unsupported, "value_other");
  CHECK_ERROR(
      test::with_proto(
          model, [](auto& p) { p.mutable_graph()->mutable_node(0)->mutable_attribute(0)->set_name("value"); })
          .to_graph(),
      input, "no element type");
  CHECK_ERROR(test::with_proto(model, [](auto& p) { p.mutable_graph()->mutable_node(0)->add_output("b"); })
                  .to_graph(),
              input, "one output");
}

TEST_CASE("broken wiring names the node", "[onnx]") {
  const std::string signature = "g (float[2] x) => (float[2] y)";
  CHECK_ERROR(parse(signature, "{ y = Add(x, nowhere) }").to_graph(), input, "reads 'nowhere'");
  CHECK_ERROR(parse(signature, "{ y = Add(x, late) late = Relu(x) }").to_graph(), input, "in node 'y' (Add)");
  CHECK_ERROR(parse(signature, "{ x = Relu(x) y = Relu(x) }").to_graph(), input, "'x' is defined twice");
  CHECK_ERROR(parse(signature, "{ z = Relu(x) }").to_graph(), input, "graph output 'y' is never computed");
  CHECK_ERROR(parse(signature, "{ y = custom.Relu(x) }").to_graph(), input,
              "imports no opset for domain 'custom'");
  CHECK_ERROR(test::with_proto(parse(signature, "{ y = Relu(x) }"),
                               [](auto& proto) {
                                 proto.mutable_graph()->mutable_node(0)->clear_output();
                                 proto.mutable_graph()->mutable_output(0)->set_name("x");
                               })
                  .to_graph(),
              input, "has no output");
}

TEST_CASE("nodes with repeated or missing names load and run", "[onnx]") {
  const ModelFile model = test::with_proto(
      parse("g (float[2] x) => (float[2] y)", "{ a = Relu(x) b = Neg(a) y = Add(a, b) }"), [](auto& proto) {
        proto.mutable_graph()->mutable_node(0)->set_name("same");
        proto.mutable_graph()->mutable_node(1)->set_name("same");
      });
  const Graph graph = model.to_graph();
  CHECK(graph.node(NodeId{0}).origin == "a");
  CHECK(graph.node(NodeId{2}).display_name() == "y");
  CHECK(floats(run(graph, {kGraphInput})[0]) == std::vector<float>{0, 0});
}

TEST_CASE("hostile declared dimensions are refused", "[onnx]") {
  const ModelFile model = parse("g (float[2] x) => (float[2] y)", "{ y = Relu(x) }");
  const auto with_dim = [&](std::int64_t dim) {
    return test::with_proto(model, [dim](auto& proto) {
      proto.mutable_graph()
          ->mutable_input(0)
          ->mutable_type()
          ->mutable_tensor_type()
          ->mutable_shape()
          ->mutable_dim(0)
          ->set_dim_value(dim);
    });
  };
  CHECK_ERROR(with_dim(-1).to_graph(), input, "in graph input 'x'");
  CHECK_ERROR(with_dim(std::int64_t{1} << 40).to_graph(), resource, "2^34");
}

TEST_CASE("inputs declare symbols and numbers", "[onnx]") {
  const Graph graph =
      parse("g (float[batch, 3, H, W] x) => (float[batch, 3, H, W] y)", "{ y = Relu(x) }").to_graph();
  const DeclaredType& declared = *graph.value(graph.inputs[0]).declared;
  REQUIRE(declared.dims.size() == 4);
  CHECK(declared.dims[0].symbol == "batch");
  CHECK_FALSE(declared.dims[0].is_static());
  CHECK(declared.dims[1].value == 3);
}

TEST_CASE("If with a constant condition becomes the branch taken", "[onnx]") {
  const std::string body = R"({
    big = Mul(x, x)
    y = If<then_branch = t () => (float[2] a) { a = Add(x, big) },
           else_branch = e () => (float[2] b) { k = Constant<value = float[2] {5, 6}>() s = Sub(big, k) b = Neg(s) }>(c)
  })";
  for (const bool taken : {true, false}) {
    const ModelFile model =
        parse("g (float[2] x) => (float[2] y)", body, 17, {fmt::format("bool[1] c = {{{}}}", taken ? 1 : 0)});
    const Graph graph = model.to_graph();
    const TypedGraph typed = specialize(graph, {});
    for (const NodeId id : typed.graph.order()) CHECK(typed.graph.node(id).op_type != "If");
    CHECK(floats(run(graph, {kGraphInput})[0]) == (taken ? std::vector<float>{2, 2} : std::vector<float>{4, 2}));
  }
}

TEST_CASE("nested If nodes capture values from every level", "[onnx]") {
  const std::string body = R"({
    a = Add(x, x)
    y = If<then_branch = t () => (float[2] r) {
             b = Mul(a, x)
             r = If<then_branch = tt () => (float[2] q) { q = Add(b, x) },
                    else_branch = te () => (float[2] p) { p = Sub(b, a) }>(no)
           },
           else_branch = e () => (float[2] o) { o = Relu(x) }>(yes)
  })";
  const ModelFile model =
      parse("g (float[2] x) => (float[2] y)", body, 17, {"bool yes = {1}", "bool no = {0}"});
  // a = 2x, b = 2x^2, result b - a.
  CHECK(floats(run(model, {kGraphInput})[0]) == std::vector<float>{0, 12});
}

TEST_CASE("an If branch may hand on a captured value or a constant", "[onnx]") {
  const ModelFile model = parse("g (float[2] x) => (float[2] y)", R"({
    h = If<then_branch = t () => (float[2] x) { unused = Relu(x) },
           else_branch = e () => (float[2] k) { k = Constant<value = float[2] {5, 6}>() }>(c)
    y = Neg(h)
  })",
                                17, {"bool c = {1}"});
  CHECK(floats(run(model, {kGraphInput})[0]) == std::vector<float>{-1, 2});
}

TEST_CASE("If conditions that depend on data or are malformed are refused", "[onnx]") {
  const std::string branches =
      "If<then_branch = t () => (float[2] a) { a = Relu(x) }, else_branch = e () => (float[2] b) { b = "
      "Neg(x) }>";
  CHECK_ERROR(run(parse("g (float[2] x, bool c) => (float[2] y)", "{ y = " + branches + "(c) }"),
                  {kGraphInput, Tensor::scalar(true)}),
              unsupported, "the condition of If depends on the data");
  CHECK_ERROR(
      run(parse("g (float[2] x) => (float[2] y)", "{ y = " + branches + "(c) }", 17, {"int64 c = {1}"}),
          {kGraphInput}),
      input, "must be one bool");
  CHECK_ERROR(
      run(parse("g (float[2] x) => (float[2] y)", "{ y = " + branches + "(c) }", 17, {"bool[2] c = {1, 0}"}),
          {kGraphInput}),
      input, "must be one bool");
  CHECK_ERROR(
      run(test::with_proto(
              parse("g (float[2] x) => (float[2] y)", "{ y = " + branches + "(c) }", 17, {"bool c = {1}"}),
              [](auto& proto) { proto.mutable_graph()->mutable_node(0)->clear_attribute(); }),
          {kGraphInput}),
      input, "If has no then_branch");
}

TEST_CASE("subgraphs nested without end are refused", "[onnx]") {
  onnx::GraphProto inner;
  inner.add_output()->set_name("x");
  for (int depth = 0; depth < 40; ++depth) {
    onnx::GraphProto outer;
    auto* node = outer.add_node();
    node->set_op_type("If");
    node->add_input("c");
    node->add_output("o" + std::to_string(depth));
    for (const char* branch : {"then_branch", "else_branch"}) {
      auto* attribute = node->add_attribute();
      attribute->set_name(branch);
      attribute->set_type(onnx::AttributeProto::GRAPH);
      if (std::string(branch) == "then_branch") *attribute->mutable_g() = inner;
    }
    outer.add_output()->set_name("o" + std::to_string(depth));
    inner = outer;
  }
  onnx::ModelProto proto;
  proto.set_ir_version(8);
  proto.add_opset_import()->set_version(17);
  *proto.mutable_graph() = inner;
  CHECK_ERROR(ModelFile::parse(proto.SerializeAsString()).to_graph(), input, "");
}

}  // namespace nq
