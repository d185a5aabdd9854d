#include "nq/quantize.hpp"

#include <catch2/catch.hpp>

#include "core/float_formats.hpp"

#include "emit_fixture.hpp"
#include "nq/tensor_file.hpp"
#include "pipeline/affine_fold.hpp"
#include "pipeline/group_fitter.hpp"
#include "support/errors.hpp"
#include "support/shared_data.hpp"

namespace nq {
namespace {

using test::floats;
using test::initializer_text;
using test::PlannedModel;

ModelFile two_layers() {
  return ModelFile::from_text(test::model_text(
      "g (float[N,5,8] x) => (float[N,5,4] y)",
      {initializer_text("s", {8}), initializer_text("t", {8}), initializer_text("w1", {8, 12}),
       initializer_text("b1", {12}), initializer_text("w2", {12, 4}), initializer_text("b2", {4})},
      "{ n = LayerNormalization(x, s, t) p = MatMul(n, w1) h = Add(p, b1) a = Tanh(h) q = MatMul(a, w2) y = "
      "Add(q, b2) }"));
}

Recipe empty_recipe(const ModelFile& model, const std::map<std::string, Shape>& shapes) {
  Recipe recipe;
  recipe.model_sha256 = model.sha256();
  recipe.input_shapes = shapes;
  return recipe;
}

}  // namespace

TEST_CASE("a recipe of another model, or of layers it lacks, is refused", "[pipeline]") {
  const ModelFile model = two_layers();
  const Tensor input = test::random_tensor({2, 5, 8}, "x");
  const Recipe good = test::made_up_recipe(PlannedModel(model, {input}), {input}, {});
  CHECK_NOTHROW(quantize(model, good));
  Recipe recipe = good;
  recipe.model_sha256 = std::string(64, '0');
  CHECK_ERROR(quantize(model, recipe), input, "made for another model (sha256 000000000000..., this one is");
  recipe = good;
  recipe.sites[0].origin = "nowhere";
  CHECK_ERROR(quantize(model, recipe), input, "output 'nowhere') is not in the model");
  recipe = good;
  recipe.sites.push_back(recipe.sites[0]);
  CHECK_ERROR(quantize(model, recipe), input, "twice");
  recipe = good;
  recipe.sites[1].group = recipe.sites[0].group;
  CHECK_ERROR(quantize(model, recipe), input, "read different values");
  recipe = good;
  recipe.sites[0].c_out = 5;
  CHECK_ERROR(quantize(model, recipe), input, "the model as 8 x 12 · while writing");
  recipe = good;
  recipe.input_shapes.clear();
  CHECK_ERROR(quantize(model, recipe), usage, "dynamic");
}

TEST_CASE("layers of reduced floats are quantized in float32, casts around them", "[pipeline]") {
  // The bias is added by a node of its own, by none, and inside Gemm.
  for (const char* body : {"{ h = Cast<to = 10>(w) c = Cast<to = 10>(b) p = MatMul(x, h) y = Add(p, c) }",
                           "{ h = Cast<to = 10>(w) y = MatMul(x, h) }",
                           "{ h = Cast<to = 10>(w) c = Cast<to = 10>(b) t = Flatten(x) y = Gemm(t, h, c) }"}) {
    const bool flat = std::string(body).find("Gemm") != std::string::npos;
    const ModelFile model = ModelFile::from_text(
        test::model_text(flat ? "g (float16[5,8] x) => (float16[5,4] y)" : "g (float16[1,5,8] x) => (float16[1,5,4] y)",
                         {initializer_text("w", {8, 4}), initializer_text("b", {4})}, body));
    const Tensor values = test::random_tensor(flat ? Shape{5, 8} : Shape{1, 5, 8}, "x");
    Tensor input(TensorType{DType::f16, values.shape()});
    for (std::int64_t k = 0; k < values.elements(); ++k) {
      input.mutable_span<Half>()[static_cast<std::size_t>(k)] = to_half(values.span<float>()[static_cast<std::size_t>(k)]);
    }
    const PlannedModel planned(model, {input});
    const Recipe recipe = test::made_up_recipe(planned, {input}, {.noise = true});
    const ModelFile emitted = quantize(model, recipe);
    CHECK_NOTHROW(emitted.check());
    const Tensor output = Executor(make_plan(specialize(emitted.to_graph(), {}))).run({&input, 1})[0];
    CHECK(output.dtype() == DType::f16);
    const auto expected = test::reference_output(planned.groups[0].sites[0], recipe.sites[0],
                                                 planned.rows(planned.groups[0], {input}));
    // The result is rounded to float16 once.
    CHECK(test::relative_error(to_vector<float>(output.view()), expected) < 1e-3);
  }
}

TEST_CASE("layers written as Einsum, or with a weight of rank 3, are quantized as products", "[pipeline]") {
  const std::vector<std::pair<std::string, Shape>> forms = {
      {"{ y = Einsum<equation = \"bld,dhk->blhk\">(x, w) }", {8, 2, 2}},
      {"{ t = Reshape(x, s) y = Einsum<equation = \"blhk,hkd->bld\">(t, w) }", {2, 4, 4}},
      {"{ y = MatMul(x, w) }", {1, 8, 4}}};
  for (const auto& [body, weight] : forms) {
    INFO(body);
    const bool splits = body.find("->blhk") != std::string::npos;
    const ModelFile model = ModelFile::from_text(
        test::model_text(splits ? "g (float[1,5,8] x) => (float[1,5,2,2] y)" : "g (float[1,5,8] x) => (float[1,5,4] y)",
                         {initializer_text("w", weight), "int64[4] s = {1, 5, 2, 4}"}, body));
    const Tensor input = test::random_tensor({1, 5, 8}, "x");
    const PlannedModel planned(model, {input});
    REQUIRE(planned.groups.size() == 1);
    const Recipe recipe = test::made_up_recipe(planned, {input}, {.noise = true});
    const ModelFile emitted = quantize(model, recipe);
    CHECK_NOTHROW(emitted.check());
    CHECK(emitted.to_text().find("Einsum") == std::string::npos);
    const Tensor output = Executor(make_plan(specialize(emitted.to_graph(), {}))).run({&input, 1})[0];
    const auto expected = test::reference_output(planned.groups[0].sites[0], recipe.sites[0],
                                                 planned.rows(planned.groups[0], {input}));
    CHECK(test::relative_error(floats(output), expected) < 1e-5);
  }
}

TEST_CASE("nodes that the user left unused keep what they read", "[pipeline]") {
  for (const char* body : {"{ p = MatMul(x, w) spare = Neg(p) y = Add(p, b) }",
                           "{ p = MatMul(x, w) q = Identity(p) spare = Neg(p) y = Add(q, b) }"}) {
    const ModelFile model = ModelFile::from_text(
        test::model_text("g (float[7,8] x) => (float[7,4] y)",
                         {initializer_text("w", {8, 4}), initializer_text("b", {4})}, body));
    const Tensor input = test::random_tensor({7, 8}, "x");
    const ModelFile emitted =
        quantize(model, test::made_up_recipe(PlannedModel(model, {input}), {input}, {.noise = true}));
    CHECK_NOTHROW(emitted.check());
    CHECK_NOTHROW(emitted.to_graph());
  }
}

TEST_CASE("the recipe comes through JSON without changing a byte of the model", "[pipeline]") {
  const ModelFile model = two_layers();
  const Tensor input = test::random_tensor({2, 5, 8}, "x");
  const Recipe recipe = test::made_up_recipe(
      PlannedModel(model, {input}), {input},
      {.activation_bits = 6, .weight_bits = 6, .noise = true, .correction = true, .outliers = {3}});
  const ModelFile direct = quantize(model, recipe);
  const ModelFile replayed = quantize(model, recipe_from_json(recipe_to_json(recipe), "r"));
  CHECK((direct.serialize() == replayed.serialize()));
  CHECK(direct.sha256() == replayed.sha256());
}

TEST_CASE("quantizing keeps inputs, outputs and metadata and stamps its own", "[pipeline]") {
  const ModelFile model = two_layers();
  const Tensor input = test::random_tensor({2, 5, 8}, "x");
  const ModelFile emitted = quantize(model, test::made_up_recipe(PlannedModel(model, {input}), {input}, {}));
  const Graph before = model.to_graph();
  const Graph after = emitted.to_graph();
  CHECK(after.value(after.inputs[0]).name == "x");
  CHECK(after.value(after.inputs[0]).declared->dims[0].symbol == "N");
  CHECK(after.value(after.outputs[0]).name == before.value(before.outputs[0]).name);
  CHECK(emitted.metadata("nqcli.source_sha256") == model.sha256());
  CHECK(emitted.metadata("nqcli.method") == "made_up");
  CHECK(emitted.opset() == 17);
  CHECK(model.metadata().empty());
  // The batch stays open.
  CHECK_NOTHROW(test::run(emitted, {test::random_tensor({7, 5, 8}, "y")}));
}

TEST_CASE("the loss that a search reports is the loss of the written file", "[pipeline][property]") {
  const Tensor input = test::random_tensor({6, 5, 8}, "x", 2.0F);
  const ModelFile model = ModelFile::from_text(
      test::model_text("g (float[6,5,8] x) => (float[6,5,10] y)",
                       {initializer_text("s", {8}), initializer_text("t", {8}),
                        initializer_text("w", {8, 10}), initializer_text("b", {10})},
                       "{ n = LayerNormalization(x, s, t) p = MatMul(n, w) y = Add(p, b) }"));
  const PlannedModel planned(model, {input});
  const SiteGroup& group = planned.groups[0];
  SiteObserver observer(group.c_in(), 1000);
  const std::vector<float> rows = planned.rows(group, {input});
  observer.observe({rows.data(), 30, 8, 8}, 1);
  const std::vector<float> expected = floats(test::run(model, {input})[0]);
  for (const MethodInfo& info : builtin_methods().all()) {
    for (const int bits : {8, 6, 4}) {
      for (const bool symmetric : {true, false}) {
        INFO(info.name << " at " << bits << " bits, " << (symmetric ? "symmetric" : "asymmetric"));
        MethodOptions options;
        options.weight_bits = options.activation_bits = bits;
        options.activation = symmetric ? ActivationRange::symmetric : ActivationRange::asymmetric;
        Recipe recipe = empty_recipe(model, planned.shapes);
        recipe.sites = fit_group(group, 0, observer.finish(), {.channel_scale_allowed = true}, *info.method, options);
        const double predicted = recipe.sites[0].stages.back().mse;
        for (const bool fold : {false, true}) {
          const std::vector<float> actual =
              floats(test::run(quantize(model, recipe, {.fold_noise = fold}), {input})[0]);
          double sum = 0;
          for (std::size_t k = 0; k < actual.size(); ++k) {
            sum += std::pow(static_cast<double>(actual[k]) - static_cast<double>(expected[k]), 2);
          }
          const double measured = sum / static_cast<double>(actual.size());
          // Folding may move single values across a rounding border; unfolded only sums differ in order.
          CHECK(measured ==
                Approx(predicted).epsilon(fold || !recipe.sites[0].channel_scale.empty() ? 0.05 : 1e-4));
        }
      }
    }
  }
}

TEST_CASE("an opset-11 model is raised to 13 and keeps its function", "[pipeline]") {
  const auto folder = test::shared_data("data/graphs/vit_opset11");
  if (!folder) return;
  const ModelFile model = ModelFile::load(*folder / "model.onnx");
  const Tensor input = load_tensor(*folder / "test_data_set_0/input_0.pb");
  const ModelFile raised = quantize(model, empty_recipe(model, {{"input", Shape{1, 3, 32, 32}}}));
  CHECK(raised.opset() == 13);
  CHECK_NOTHROW(raised.check());
  CHECK(floats(test::run(raised, {input})[0]) == floats(test::run(model, {input})[0]));
}

TEST_CASE("every shared graph is written, checked and close to float at eight bits", "[pipeline]") {
  for (const auto& folder : test::shared_graphs()) {
    INFO(folder);
    const ModelFile model = ModelFile::load(folder / "model.onnx");
    const Tensor input = load_tensor(folder / "test_data_set_0/input_0.pb");
    const PlannedModel planned(model, {input});
    Recipe recipe = empty_recipe(model, planned.shapes);
    for (std::size_t index = 0; index < planned.groups.size(); ++index) {
      const SiteGroup& group = planned.groups[index];
      const std::vector<float> rows = planned.rows(group, {input});
      SiteObserver observer(group.c_in(), 100000);
      observer.observe(
          {rows.data(), static_cast<std::int64_t>(rows.size()) / group.c_in(), group.c_in(), group.c_in()},
          1);
      const auto sites =
          fit_group(group, static_cast<int>(index), observer.finish(),
                    {.channel_scale_allowed = find_affine_fold(planned.typed, group).has_value()}, builtin_methods().get("minmax"), {});
      recipe.sites.insert(recipe.sites.end(), sites.begin(), sites.end());
    }
    const ModelFile emitted = quantize(model, recipe);
    REQUIRE_NOTHROW(emitted.check());
    CHECK(emitted.opset() == std::max(13, model.opset()));
    // Random weights at 8 bits, all layers included: a few percent; a wrong wire gives more than half.
    CHECK(test::relative_error(floats(test::run(emitted, {input})[0]), floats(test::run(model, {input})[0])) <
          0.1);
    CHECK((quantize(model, recipe).serialize() == emitted.serialize()));
  }
}

}  // namespace nq
