#include <catch2/catch.hpp>

#include "nq/model_file.hpp"
#include "support/errors.hpp"

namespace nq {
namespace {

/// Two towers as of CLIP: `image` needs x alone, `text` needs ids alone, `score` both.
ModelFile two_towers() {
  return ModelFile::from_text(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[2,3] x, float[2,3] ids) => (float[2,3] score, float[2,3] image, float[2,3] text)
    { image = Relu(x) text = Neg(ids) score = Add(image, text) })");
}

std::vector<std::string> names(const Graph& graph, const std::vector<ValueId>& ids) {
  std::vector<std::string> result;
  for (const ValueId id : ids) result.push_back(graph.value(id).name);
  return result;
}

}  // namespace

TEST_CASE("a chosen output leaves out what it does not need", "[onnx]") {
  const ModelFile model = two_towers();
  const Graph graph = model.read_as({"x", "image"}).to_graph();
  CHECK(names(graph, graph.inputs) == std::vector<std::string>{"x"});
  CHECK(names(graph, graph.outputs) == std::vector<std::string>{"image"});
  CHECK(graph.order().size() == 1);
  CHECK(names(graph, model.read_as({"", "text"}).to_graph().inputs) == std::vector<std::string>{"ids"});
  // The file itself stays whole.
  CHECK(model.read_as({"x", "image"}).serialize() == model.serialize());
  CHECK(model.to_graph().inputs.size() == 2);
}

TEST_CASE("a choice that does not fit is refused by name", "[onnx]") {
  const ModelFile model = two_towers();
  CHECK_ERROR(model.read_as({"", "logits"}).to_graph(), usage, "no output 'logits'; its outputs are: score, image, text");
  CHECK_ERROR(model.read_as({"y", ""}).to_graph(), usage, "no input 'y'; its inputs are: x, ids");
  CHECK_ERROR(model.read_as({"x", "score"}).to_graph(), unsupported, "besides 'x' the model needs ids to compute score");
}

}  // namespace nq
