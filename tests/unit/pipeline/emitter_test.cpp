#include <catch2/catch.hpp>

#include "emit_fixture.hpp"
#include "support/errors.hpp"

namespace nq {
namespace {

using test::floats;
using test::initializer_text;
using test::model_text;
using test::PlannedModel;
using test::RecipeParts;

/// Sums of up to a few hundred float32 products in another order differ by some units in the last place.
constexpr double kFloatOrder = 2e-6;

struct Case {
  std::string name;
  ModelFile model;
  Tensor input;
};

ModelFile model(const std::string& signature, const std::vector<std::string>& initializers,
                const std::string& body, int opset = 17) {
  return ModelFile::from_text(model_text(signature, initializers, body, opset));
}

const std::vector<std::string> kLayerWeights = {initializer_text("w", {8, 6}), initializer_text("b", {6})};

/// One layer of every kind; its output is the graph output.
std::vector<Case> single_layers() {
  const Tensor rank3 = test::random_tensor({2, 5, 8}, "x");
  const Tensor rank2 = test::random_tensor({7, 8}, "x");
  const std::string out3 = " => (float[2,5,6] y)";
  const std::string out2 = " => (float[7,6] y)";
  const auto transposed = std::vector<std::string>{initializer_text("w", {6, 8}), initializer_text("b", {6})};
  std::vector<Case> cases;
  const auto add = [&cases](const std::string& name, ModelFile file, const Tensor& input) {
    cases.push_back({name, std::move(file), input});
  };
  add("matmul rank 3", model("g (float[2,5,8] x)" + out3, kLayerWeights, "{ p = MatMul(x, w) y = Add(p, b) }"),
      rank3);
  add("bias first", model("g (float[2,5,8] x)" + out3, kLayerWeights, "{ p = MatMul(x, w) y = Add(b, p) }"),
      rank3);
  add("no bias", model("g (float[2,5,8] x)" + out3, {kLayerWeights[0]}, "{ y = MatMul(x, w) }"), rank3);
  add("dynamic batch",
      model("g (float[N,5,8] x) => (float[N,5,6] y)", kLayerWeights, "{ p = MatMul(x, w) y = Add(p, b) }"), rank3);
  add("rank 4",
      model("g (float[2,3,2,8] x) => (float[2,3,2,6] y)", kLayerWeights, "{ p = MatMul(x, w) y = Add(p, b) }"),
      test::random_tensor({2, 3, 2, 8}, "x"));
  add("bias behind identity",
      model("g (float[2,5,8] x)" + out3, kLayerWeights,
            "{ c = Identity(b) p = MatMul(x, w) q = Identity(p) y = Add(c, q) }"),
      rank3);
  add("weight behind transpose",
      model("g (float[2,5,8] x)" + out3, transposed,
            "{ t = Transpose<perm = [1,0]>(w) p = MatMul(x, t) y = Add(p, b) }"),
      rank3);
  add("matmul rank 2", model("g (float[7,8] x)" + out2, kLayerWeights, "{ p = MatMul(x, w) y = Add(p, b) }"),
      rank2);
  add("matmul rank 2, no bias", model("g (float[7,8] x)" + out2, {kLayerWeights[0]}, "{ y = MatMul(x, w) }"),
      rank2);
  add("matmul rank 2, identity",
      model("g (float[7,8] x)" + out2, kLayerWeights, "{ p = MatMul(x, w) q = Identity(p) y = Add(q, b) }"),
      rank2);
  add("gemm", model("g (float[7,8] x)" + out2, kLayerWeights, "{ y = Gemm(x, w, b) }"), rank2);
  add("gemm, no bias", model("g (float[7,8] x)" + out2, {kLayerWeights[0]}, "{ y = Gemm(x, w) }"), rank2);
  add("gemm transB alpha beta",
      model("g (float[7,8] x)" + out2, transposed,
            "{ y = Gemm<transB = 1, alpha = 0.5, beta = -2.0>(x, w, b) }"),
      rank2);
  add("gemm transA", model("g (float[8,7] x)" + out2, kLayerWeights, "{ y = Gemm<transA = 1>(x, w, b) }"),
      test::random_tensor({8, 7}, "x"));
  add("patch convolution",
      model("g (float[2,2,4,6] x) => (float[2,6,2,3] y)",
            {initializer_text("w", {6, 2, 2, 2}), initializer_text("b", {6})},
            "{ y = Conv<strides = [2,2], kernel_shape = [2,2]>(x, w, b) }"),
      test::random_tensor({2, 2, 4, 6}, "x"));
  add("patch convolution, no bias",
      model("g (float[2,2,4,6] x) => (float[2,6,2,2] y)", {initializer_text("w", {6, 2, 2, 3})},
            "{ y = Conv<strides = [2,3]>(x, w) }"),
      test::random_tensor({2, 2, 4, 6}, "x"));
  return cases;
}

std::vector<RecipeParts> all_parts() {
  return {
      {},
      {.activation_bits = 8, .weight_bits = 8, .symmetric = false},
      {.activation_bits = 6, .weight_bits = 6, .symmetric = true, .noise = true},
      {.activation_bits = 4, .weight_bits = 3, .symmetric = false, .noise = true, .correction = true},
      {.activation_bits = 2, .weight_bits = 2, .symmetric = true, .correction = true},
      {.activation_bits = 6,
       .weight_bits = 6,
       .symmetric = true,
       .noise = true,
       .correction = true,
       .channel_scale = true},
      {.activation_bits = 6, .weight_bits = 4, .symmetric = true, .noise = true, .outliers = {1, 6}},
      {.activation_bits = 5,
       .weight_bits = 5,
       .symmetric = false,
       .noise = true,
       .correction = true,
       .channel_scale = true,
       .outliers = {0, 3, 7}},
  };
}

/// Rows [tokens, c_out] from the layer's output value.
std::vector<float> output_rows(const LinearSite& site, const Tensor& output) {
  std::vector<float> values = floats(output);
  if (site.kind != SiteKind::conv_patch) return values;
  const std::int64_t patches = output.shape()[2] * output.shape()[3];
  std::vector<float> rows(values.size());
  for (std::size_t at = 0; at < values.size(); ++at) {
    const auto index = static_cast<std::int64_t>(at);
    const std::int64_t image = index / (patches * site.c_out);
    const std::int64_t channel = index / patches % site.c_out;
    rows[static_cast<std::size_t>((image * patches + index % patches) * site.c_out + channel)] = values[at];
  }
  return rows;
}

}  // namespace

TEST_CASE("the emitted layer computes the formula of the search, for every kind", "[pipeline]") {
  for (const Case& item : single_layers()) {
    const PlannedModel planned(item.model, {item.input});
    REQUIRE(planned.groups.size() == 1);
    const LinearSite& site = planned.groups[0].leader();
    const std::vector<float> rows = planned.rows(planned.groups[0], {item.input});
    int variant = 0;
    for (const RecipeParts& parts : all_parts()) {
      INFO(item.name << ", variant " << variant++);
      const Recipe recipe = test::made_up_recipe(planned, {item.input}, parts);
      const ModelFile emitted = quantize(item.model, recipe);
      REQUIRE_NOTHROW(emitted.check());
      const Tensor output = test::run(emitted, {item.input})[0];
      CHECK(output.type() == test::run(item.model, {item.input})[0].type());
      CHECK(test::relative_error(output_rows(site, output),
                                 test::reference_output(site, recipe.sites[0], rows)) < kFloatOrder);
    }
  }
}

TEST_CASE("int4 storage computes what int8 storage computes, to the bit", "[pipeline]") {
  for (const Case& item : single_layers()) {
    const PlannedModel planned(item.model, {item.input});
    for (const int bits : {2, 3, 4}) {
      INFO(item.name << ", " << bits << " bits");
      const Recipe recipe = test::made_up_recipe(
          planned, {item.input}, {.activation_bits = 8, .weight_bits = bits, .noise = true, .outliers = {1, 6}});
      const ModelFile bytes = quantize(item.model, recipe);
      const ModelFile nibbles = quantize(item.model, recipe, {.int4_weights = true});
      REQUIRE_NOTHROW(nibbles.check());
      CHECK(bytes.opset() == 17);
      CHECK(nibbles.opset() == 21);
      CHECK(nibbles.ir_version() >= 10);
      CHECK(floats(test::run(nibbles, {item.input})[0]) == floats(test::run(bytes, {item.input})[0]));
    }
  }
}

TEST_CASE("int4 storage leaves layers of more bits alone and refuses to do nothing", "[pipeline]") {
  const ModelFile file = model("g (float[2,5,8] x) => (float[2,5,6] y)", {initializer_text("a", {8, 8}), initializer_text("b", {8, 6})},
                               "{ h = MatMul(x, a) t = Tanh(h) y = MatMul(t, b) }");
  const Tensor input = test::random_tensor({2, 5, 8}, "x");
  const PlannedModel planned(file, {input});
  Recipe recipe = test::made_up_recipe(planned, {input}, {.weight_bits = 5});
  CHECK_ERROR(quantize(file, recipe, {.int4_weights = true}), usage, "at most 4 bits");
  recipe.sites[1] = test::made_up_recipe(planned, {input}, {.weight_bits = 4}).sites[1];
  const Graph graph = quantize(file, recipe, {.int4_weights = true}).to_graph();
  CHECK(graph.constant(*graph.find_value("a_quantized"))->dtype() == DType::i8);
  CHECK(graph.constant(*graph.find_value("b_quantized_int4"))->dtype() == DType::i4);
}

TEST_CASE("layers of one group share one quantizer", "[pipeline]") {
  const ModelFile file =
      model("g (float[2,5,8] x) => (float[2,5,6] q, float[2,5,4] k)",
            {initializer_text("wq", {8, 6}), initializer_text("bq", {6}), initializer_text("wk", {8, 4})},
            "{ p = MatMul(x, wq) q = Add(p, bq) k = MatMul(x, wk) }");
  const Tensor input = test::random_tensor({2, 5, 8}, "x");
  const PlannedModel planned(file, {input});
  const Recipe recipe =
      test::made_up_recipe(planned, {input}, {.activation_bits = 6, .weight_bits = 6, .noise = true});
  const ModelFile emitted = quantize(file, recipe);
  const Graph graph = emitted.to_graph();
  int quantizers = 0;
  for (const NodeId id : graph.order()) quantizers += graph.node(id).op_type == "QuantizeLinear";
  CHECK(quantizers == 1);
  const auto outputs = test::run(emitted, {input});
  const auto rows = planned.rows(planned.groups[0], {input});
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(test::relative_error(floats(outputs[k]),
                               test::reference_output(planned.groups[0].sites[k], recipe.sites[k], rows)) <
          kFloatOrder);
  }
}

TEST_CASE("a group of which only some layers are quantized leaves the others float", "[pipeline]") {
  const ModelFile file = model("g (float[2,5,8] x) => (float[2,5,6] q, float[2,5,6] k)",
                               {initializer_text("wq", {8, 6}), initializer_text("wk", {8, 6}),
                                initializer_text("s", {8}), initializer_text("t", {8})},
                               "{ n = LayerNormalization(x, s, t) q = MatMul(n, wq) k = MatMul(n, wk) }");
  const Tensor input = test::random_tensor({2, 5, 8}, "x");
  const PlannedModel planned(file, {input});
  Recipe recipe =
      test::made_up_recipe(planned, {input}, {.activation_bits = 6, .weight_bits = 6, .noise = true});
  recipe.sites.pop_back();
  const auto outputs = test::run(quantize(file, recipe), {input});
  CHECK(floats(outputs[1]) == floats(test::run(file, {input})[1]));
  CHECK(test::relative_error(floats(outputs[0]),
                             test::reference_output(planned.groups[0].sites[0], recipe.sites[0],
                                                    planned.rows(planned.groups[0], {input}))) < kFloatOrder);
}

TEST_CASE("a weight that two layers share is quantized for each", "[pipeline]") {
  const ModelFile file = model(
      "g (float[2,5,8] x) => (float[2,5,8] y)", {initializer_text("w", {8, 8}), initializer_text("b", {8})},
      "{ p = MatMul(x, w) q = Add(p, b) r = Tanh(q) s = MatMul(r, w) y = Add(s, b) }");
  const Tensor input = test::random_tensor({2, 5, 8}, "x");
  const PlannedModel planned(file, {input});
  REQUIRE(planned.groups.size() == 2);
  const Recipe recipe = test::made_up_recipe(planned, {input}, {.noise = true});
  const ModelFile emitted = quantize(file, recipe);
  REQUIRE_NOTHROW(emitted.check());
  // Eight bits with clipping at 0.8 of the range: the float function is met coarsely, which a mixed-up bias
  // would not.
  CHECK(test::relative_error(floats(test::run(emitted, {input})[0]), floats(test::run(file, {input})[0])) <
        0.1);
}

TEST_CASE("the bias of a layer that feeds another keeps its own denoising", "[pipeline]") {
  // The Add in front of the second layer is the bias of the first: noise must not be folded into it.
  const ModelFile file = model("g (float[2,5,8] x) => (float[2,5,6] y)",
                               {initializer_text("w1", {8, 8}), initializer_text("b1", {8}),
                                initializer_text("w2", {8, 6}), initializer_text("b2", {6})},
                               "{ p = MatMul(x, w1) h = Add(p, b1) q = MatMul(h, w2) y = Add(q, b2) }");
  const Tensor input = test::random_tensor({2, 5, 8}, "x");
  const PlannedModel planned(file, {input});
  const Recipe recipe =
      test::made_up_recipe(planned, {input}, {.activation_bits = 6, .weight_bits = 6, .noise = true});
  const auto hidden = test::reference_output(planned.groups[0].leader(), recipe.sites[0],
                                             planned.rows(planned.groups[0], {input}));
  const auto expected = test::reference_output(planned.groups[1].leader(), recipe.sites[1], hidden);
  CHECK(test::relative_error(floats(test::run(quantize(file, recipe), {input})[0]), expected) < 1e-3);
}

TEST_CASE("noise stays behind zero padding between the normalization and the layer", "[pipeline]") {
  // Swin pads its grid of tokens to whole windows: folded into the normalization the noise would
  // miss the padded tokens, whose denoising bias is subtracted all the same.
  const ModelFile file = model("g (float[1,3,5,8] x) => (float[4,6,6] y)",
                               {initializer_text("s", {8}), initializer_text("t", {8}), initializer_text("w", {8, 6}),
                                initializer_text("b", {6}), "int64[8] pads = {0,0,0,0, 0,1,1,0}", "int64[3] rows = {4,6,8}"},
                               "{ n = LayerNormalization(x, s, t) z = Pad(n, pads) r = Reshape(z, rows) p = MatMul(r, w) y = Add(p, b) }");
  const Tensor input = test::random_tensor({1, 3, 5, 8}, "x");
  const PlannedModel planned(file, {input});
  const auto rows = planned.rows(planned.groups[0], {input});
  CHECK(std::count(rows.begin(), rows.end(), 0.0F) >= 9 * 8);
  const Recipe recipe = test::made_up_recipe(planned, {input}, {.noise = true, .channel_scale = true});
  const auto actual = floats(test::run(quantize(file, recipe), {input})[0]);
  CHECK(test::relative_error(actual, test::reference_output(planned.groups[0].leader(), recipe.sites[0], rows)) < kFloatOrder);
}

TEST_CASE("folded and explicit noise are the same function", "[pipeline]") {
  const std::vector<std::string> initializers = {initializer_text("s", {8}),    initializer_text("t", {8}),
                                                 initializer_text("w", {8, 6}), initializer_text("b", {6}),
                                                 "float e = {0.00001}",         "float two = {2}"};
  const std::string normalized = "n = LayerNormalization(x, s, t)";
  const std::string decomposed =
      "m = ReduceMean<axes = [-1]>(x) d = Sub(x, m) v = Mul(d, d) u = ReduceMean<axes = [-1]>(v) "
      "f = Add(u, e) r = Sqrt(f) i = Div(d, r) j = Mul(i, s) n = Add(j, t)";
  for (const std::string& head : {normalized, decomposed}) {
    const ModelFile file = model("g (float[2,5,8] x) => (float[2,5,6] y)", initializers,
                                 "{ " + head + " p = MatMul(n, w) y = Add(p, b) }");
    const Tensor input = test::random_tensor({2, 5, 8}, "x");
    const PlannedModel planned(file, {input});
    for (const bool scaled : {false, true}) {
      const Recipe recipe = test::made_up_recipe(planned, {input},
                                                 {.activation_bits = 6,
                                                  .weight_bits = 6,
                                                  .noise = true,
                                                  .correction = true,
                                                  .channel_scale = scaled});
      const ModelFile folded = quantize(file, recipe);
      const ModelFile plain = quantize(file, recipe, {.fold_noise = false});
      REQUIRE_NOTHROW(folded.check());
      const auto count = [](const ModelFile& emitted) { return emitted.to_graph().order().size(); };
      CHECK(count(folded) + (scaled ? 0 : 1) == count(plain));
      const auto expected = test::reference_output(planned.groups[0].leader(), recipe.sites[0],
                                                   planned.rows(planned.groups[0], {input}));
      // A fold rounds once more per channel, which may move a value across a rounding border.
      CHECK(test::relative_error(floats(test::run(folded, {input})[0]), expected) < 1e-3);
      CHECK(test::relative_error(floats(test::run(plain, {input})[0]), expected) <
            (scaled ? 1e-3 : kFloatOrder));
    }
  }
}

}  // namespace nq
