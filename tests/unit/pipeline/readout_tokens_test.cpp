#include <catch2/catch.hpp>

#include "graph/readout_tokens.hpp"
#include "nq/executor.hpp"
#include "nq/linear_site.hpp"
#include "support/models.hpp"
#include "support/shared_data.hpp"

namespace nq {
namespace {

using test::initializer_text;
using test::typed_of;

std::vector<std::int64_t> tokens_of(const TypedGraph& typed) {
  const auto found = find_readout_tokens(typed);
  return found ? found->tokens : std::vector<std::int64_t>{};
}

const std::vector<std::string> kReadoutWeights = {initializer_text("w", Shape{4, 4}), initializer_text("h", Shape{4, 3}),
                                           "int64 first = {0}", "int64[2] pair = {0, 1}", "int64[1] zero = {0}",
                                           "int64[1] two = {2}", "int64[1] one = {1}"};

}  // namespace

TEST_CASE("a gathered class token, two tokens and a slice are found", "[pipeline]") {
  const std::string signature = "g (float[1,5,4] x) => (float[1,3] y)";
  CHECK(tokens_of(typed_of(signature, kReadoutWeights,
                           "{ p = MatMul(x, w) t = Gather<axis = 1>(p, first) y = MatMul(t, h) }")) ==
        std::vector<std::int64_t>{0});
  CHECK(tokens_of(typed_of("g (float[1,5,4] x) => (float[1,2,3] y)", kReadoutWeights,
                           "{ p = MatMul(x, w) t = Gather<axis = 1>(p, pair) y = MatMul(t, h) }")) ==
        std::vector<std::int64_t>{0, 1});
  CHECK(tokens_of(typed_of("g (float[1,5,4] x) => (float[1,1,3] y)", kReadoutWeights,
                           "{ p = MatMul(x, w) t = Slice(p, one, two, one) y = MatMul(t, h) }")) ==
        std::vector<std::int64_t>{1});
}

TEST_CASE("pooling and whole outputs read all tokens alike", "[pipeline]") {
  CHECK(tokens_of(typed_of("g (float[1,5,4] x) => (float[1,3] y)", kReadoutWeights,
                           "{ p = MatMul(x, w) t = ReduceMean<axes = [1], keepdims = 0>(p) y = MatMul(t, h) }"))
            .empty());
  CHECK(tokens_of(typed_of("g (float[1,5,4] x) => (float[1,5,3] y)", kReadoutWeights, "{ y = MatMul(x, h) }")).empty());
}

TEST_CASE("values before a product of two activations reach the output through other tokens", "[pipeline]") {
  const TypedGraph typed =
      typed_of("g (float[1,5,4] x) => (float[1,3] y)", kReadoutWeights,
               "{ k = MatMul(x, w) kt = Transpose<perm = [0, 2, 1]>(k) a = MatMul(x, kt) v = MatMul(a, x)"
               "  p = MatMul(v, w) t = Gather<axis = 1>(p, first) y = MatMul(t, h) }");
  const auto found = find_readout_tokens(typed);
  REQUIRE(found);
  const auto unmixed = [&](const char* name) {
    return found->unmixed[static_cast<std::size_t>(typed.graph.find_value(name)->index)] != 0;
  };
  CHECK_FALSE(unmixed("x"));
  CHECK_FALSE(unmixed("a"));
  CHECK(unmixed("v"));
  CHECK(unmixed("p"));
  CHECK(found->mask_for(Shape{1, 5, 9}) == std::vector<std::uint8_t>{1, 0, 0, 0, 0});
  CHECK(found->mask_for(Shape{5, 9}) == std::vector<std::uint8_t>{1, 0, 0, 0, 0});
  CHECK(found->mask_for(Shape{1, 9, 5}).empty());
  CHECK(found->mask_for(Shape{4, 5, 9}).empty());
}

TEST_CASE("the shared graphs are read as their architectures say", "[pipeline]") {
  for (const auto& folder : test::shared_graphs()) {
    const std::string name = folder.filename().string();
    INFO(name);
    const Graph graph = ModelFile::load(folder / "model.onnx").to_graph();
    const Value& input = graph.value(graph.inputs[0]);
    Shape shape;
    for (const Dim& dim : input.declared->dims) shape.push_back(dim.is_static() ? dim.value : 1);
    const std::vector<std::int64_t> tokens = tokens_of(specialize(graph, {{{input.name, shape}}, {}}));
    const bool pooled = name.find("swin") != std::string::npos || name == "mixer" || name == "resmlp" || name == "vit_gap";
    if (pooled) CHECK(tokens.empty());
    else if (name == "deit_distilled") CHECK(tokens == std::vector<std::int64_t>{0, 1});
    else CHECK(tokens == std::vector<std::int64_t>{0});
  }
}

}  // namespace nq
