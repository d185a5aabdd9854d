#include "onnx/edit.hpp"

#include <catch2/catch.hpp>

#include "proto_edit.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"

namespace nq {
namespace {

using test::floats;
using test::model_text;
using test::run;

const Tensor kEditInput = Tensor::of(Shape{2}, std::vector<float>{1, -2});

ModelFile sample() {
  return ModelFile::from_text(model_text("g (float[2] x) => (float[2] y)",
                                         {"float[2] w = {10, 20}", "float[2] spare = {5, 6}"},
                                         "{ a = Add(x, w) b = Mul(a, w) unused = Neg(a) y = Relu(b) }"));
}

std::vector<std::string> ops_of(const ModelFile& model) {
  std::vector<std::string> ops;
  const onnx::ModelProto proto = test::proto_of(model);
  for (const auto& node : proto.graph().node()) ops.push_back(node.op_type() + ">" + node.output(0));
  return ops;
}

std::vector<std::string> initializers_of(const ModelFile& model) {
  std::vector<std::string> names;
  const onnx::ModelProto proto = test::proto_of(model);
  for (const auto& item : proto.graph().initializer()) names.push_back(item.name());
  return names;
}

}  // namespace

TEST_CASE("an edit without changes gives the same bytes", "[onnx]") {
  const ModelFile model = sample();
  ModelEdit edit(model);
  const ModelFile result = edit.finish();
  CHECK(result.serialize() == model.serialize());
  CHECK(result.sha256() == model.sha256());
}

TEST_CASE("unique names avoid every value and node name, in subgraphs too", "[onnx]") {
  const ModelFile model =
      test::with_proto(ModelFile::from_text(model_text(
                           "g (float[2] x) => (float[2] y)", {"bool c = {1}", "float[2] w = {1, 2}"},
                           "{ y = If<then_branch = t () => (float[2] inner) { inner = Add(x, w) }, "
                           "else_branch = e () => (float[2] other) { other = Neg(x) }>(c) }")),
                       [](auto& proto) { proto.mutable_graph()->mutable_node(0)->set_name("node"); });
  ModelEdit edit(model);
  for (const char* taken : {"x", "y", "w", "c", "node", "inner", "other"}) {
    CHECK(edit.unique_name(taken) == std::string(taken) + "_2");
  }
  CHECK(edit.unique_name("fresh") == "fresh");
  CHECK(edit.unique_name("fresh") == "fresh_2");
  CHECK(edit.unique_name("fresh") == "fresh_3");
  CHECK(edit.add_initializer("fresh", Tensor::scalar(1.0F)) == "fresh_4");
}

TEST_CASE("a shared initializer is not changed for its other readers", "[onnx]") {
  const ModelFile model = sample();
  ModelEdit edit(model);
  edit.set_input("a", 1, edit.add_initializer("w", Tensor::of(Shape{2}, std::vector<float>{0, 0})));
  const ModelFile result = edit.finish();
  CHECK(initializers_of(result) == std::vector<std::string>{"w", "spare", "w_2"});
  CHECK(floats(run(result, {kEditInput})[0]) == std::vector<float>{10, 0});
  CHECK(floats(run(model, {kEditInput})[0]) == std::vector<float>{110, 360});
}

TEST_CASE("what an edit orphans goes, what the user left unused stays", "[onnx]") {
  ModelEdit edit(sample());
  edit.set_input("y", 0, "x");
  const ModelFile result = edit.finish();
  // a still feeds the user's own unused node; b, which only y read, is gone.
  CHECK(ops_of(result) == std::vector<std::string>{"Add>a", "Neg>unused", "Relu>y"});
  CHECK(initializers_of(result) == std::vector<std::string>{"w", "spare"});
}

TEST_CASE("orphans go in chains, with initializers that are graph inputs", "[onnx]") {
  const ModelFile model = test::with_proto(
      ModelFile::from_text(model_text("g (float[2] x) => (float[2] y)", {"float[2] w = {1, 2}"},
                                      "{ t = Neg(w) s, extra = Split(t, t) u = Exp(s) y = Add(x, u) }")),
      [](auto& proto) {
        auto* input = proto.mutable_graph()->add_input();
        *input = proto.graph().input(0);
        input->set_name("w");
      });
  ModelEdit edit(model);
  edit.set_input("y", 1, "x");
  const ModelFile result = edit.finish();
  CHECK(ops_of(result) == std::vector<std::string>{"Add>y"});
  CHECK(initializers_of(result).empty());
  CHECK(test::proto_of(result).graph().input_size() == 1);
}

TEST_CASE("a value that only an If branch reads is no orphan", "[onnx]") {
  const ModelFile model = ModelFile::from_text(
      model_text("g (float[2] x) => (float[2] y)", {"bool c = {1}", "float[2] w = {1, 2}"},
                 "{ k = Neg(w) h = Exp(x) y = If<then_branch = t () => (float[2] r) { r = Add(x, k) }, "
                 "else_branch = e () => (float[2] q) { q = Neg(h) }>(c) }"));
  ModelEdit edit(model);
  CHECK(ops_of(edit.finish()) == std::vector<std::string>{"Neg>k", "Exp>h", "If>y"});
}

TEST_CASE("nodes are inserted, replaced and removed where they stand", "[onnx]") {
  ModelEdit edit(sample());
  NodeSpec exp{"Exp", edit.unique_name("exp"), {"a"}, {edit.unique_name("e")}, {}, "note", {}};
  edit.insert_before("b", exp);
  NodeSpec neg{"Neg", edit.unique_name("neg"), {"e"}, {edit.unique_name("n")}, {}, {}, {}};
  edit.insert_after("e", neg);
  edit.set_input("b", 0, "n");
  NodeSpec abs{"Abs", "abs", {"b"}, {"y"}, {}, {}, {}};
  edit.replace_node("y", abs);
  edit.remove_node("unused");
  const ModelFile result = edit.finish();
  CHECK(ops_of(result) == std::vector<std::string>{"Add>a", "Exp>e", "Neg>n", "Mul>b", "Abs>y"});
  CHECK(test::proto_of(result).graph().node(1).doc_string() == "note");
  CHECK_NOTHROW(result.check());
}

TEST_CASE("attributes of inserted nodes are integers and lists", "[onnx]") {
  ModelEdit edit(
      ModelFile::from_text(model_text("g (float[2,3] x) => (float[3,2] y)", {}, "{ y = Transpose(x) }")));
  NodeSpec node{"Transpose", "t", {"x"}, {"y"}, {{"perm", std::vector<std::int64_t>{1, 0}}}, {}, {}};
  edit.replace_node("y", node);
  const ModelFile result = edit.finish();
  CHECK_NOTHROW(result.check());
  CHECK(test::proto_of(result).graph().node(0).attribute(0).ints_size() == 2);
}

TEST_CASE("a renamed output leaves its readers to the new producer", "[onnx]") {
  ModelEdit edit(sample());
  edit.rename_output("b", edit.unique_name("b_inner"));
  NodeSpec add{"Add", "bias", {"b_inner", "spare"}, {"b"}, {}, {}, {}};
  edit.insert_after("b_inner", add);
  CHECK(floats(run(edit.finish(), {kEditInput})[0]) == std::vector<float>{115, 366});
}

TEST_CASE("metadata is set once per key", "[onnx]") {
  ModelEdit edit(sample());
  edit.set_metadata("k", "1");
  edit.set_metadata("k", "2");
  edit.set_metadata("other", "3");
  edit.set_producer("maker", "9");
  const ModelFile result = edit.finish();
  CHECK(result.metadata() == std::vector<std::pair<std::string, std::string>>{{"k", "2"}, {"other", "3"}});
  CHECK(result.producer() == "maker 9");
}

TEST_CASE("edits of unknown nodes are refused", "[onnx]") {
  ModelEdit edit(sample());
  CHECK_ERROR(edit.set_input("nowhere", 0, "x"), input, "no node with output 'nowhere'");
  CHECK_ERROR(edit.set_input("a", 5, "x"), internal, "input_size");
  CHECK(edit.input_name("a", 1) == "w");
  CHECK(edit.input_name("a", 7).empty());
  CHECK(edit.node_name("a") == "a");
}

TEST_CASE("the same edit gives the same bytes", "[onnx]") {
  const auto edited = [] {
    ModelEdit edit(sample());
    edit.set_input("a", 1, edit.add_initializer("w", test::random_tensor({2}, "w2")));
    edit.set_metadata("k", "v");
    return edit.finish().serialize();
  };
  CHECK(edited() == edited());
}

TEST_CASE("local functions are inlined by an edit, with the names of the graph reading", "[onnx]") {
  const ModelFile model = ModelFile::from_text(
      "<ir_version: 8, opset_import: [\"\" : 17, \"local\" : 1]>\ng (float[2] x) => (float[2] y) { y = "
      "local.F(x) }\n"
      "<domain: \"local\", opset_import: [\"\" : 17]>\nF (a) => (b) { t = Add(a, a) b = Neg(t) }\n");
  const Graph graph = model.to_graph();
  ModelEdit edit(model);
  for (const NodeId id : graph.order())
    CHECK(edit.node_name(graph.node(id).origin) == graph.node(id).display_name());
  const ModelFile result = edit.finish();
  CHECK(test::proto_of(result).functions_size() == 0);
  CHECK(floats(run(result, {kEditInput})[0]) == std::vector<float>{-2, 4});
}

}  // namespace nq
