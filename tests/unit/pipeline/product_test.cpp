#include <catch2/catch.hpp>

#include "attention_fixture.hpp"
#include "pipeline/product_calibration.hpp"
#include "quant/quantizers.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"

namespace nq {
namespace {

using test::floats;
using test::scaled_attention;

struct Specimen {
  ModelFile model = scaled_attention();
  Tensor input = test::random_tensor({2, 5, 6}, "x");
  test::PlannedModel planned{model, {input}};
  SiteSearch found = find_linear_sites(planned.typed);

  Recipe recipe(int bits, bool symmetric_right) const {
    Recipe result = test::made_up_recipe(planned, {input}, {});
    const AttentionSite& site = found.attention[0];
    const QuantParams right = activation_params(-6, 5, bits, symmetric_right);
    result.products = {test::product_of(site.scores, symmetric_activation(5, bits), right),
                       test::product_of(site.values, asymmetric_activation(0, 0.8, bits), right)};
    return result;
  }
};

std::vector<float> run_with(const ModelFile& model, const Tensor& input, KernelChoice kernels) {
  const Graph graph = model.to_graph();
  PlanOptions options;
  options.kernels = kernels;
  const TypedGraph typed =
      specialize(graph, {{{"x", input.shape()}}, {}, kernels == KernelChoice::automatic});
  return floats(Executor(make_plan(typed, options)).run(std::vector<Tensor>{input})[0]);
}

/// The recipe of a calibration on values that `observe` sees once.
Recipe calibrated(const Specimen& specimen, const std::string& method, int bits, const OutputChanges& changes = {}) {
  Recipe recipe = test::made_up_recipe(specimen.planned, {specimen.input}, {});
  std::vector<SkippedSite> skipped;
  SiteSelection selection;
  selection.products = true;
  std::vector<SelectedAttention> selected = select_attention(specimen.found, selection, skipped);
  for (SelectedAttention& item : selected) item.bits = {bits, bits};
  ProductCalibration calibration(specimen.planned.typed, specimen.found, selected, [&](const SelectedAttention& item) {
                                   return std::make_shared<ProductObserver>(
                                       product_layout(specimen.planned.typed, item.site, 2, 1 << 24));
                                 });
  const std::vector<ValueId> values = calibration.values();
  const std::uint64_t keys[] = {11, 22};
  Executor(make_plan(specimen.planned.typed, {values, values}))
      .run(std::vector<Tensor>{specimen.input},
           [&](ValueId value, const TensorView& view) { calibration.observe(value, view, keys); });
  MethodOptions options;
  options.candidates = 20;
  options.noise_candidates = 20;
  calibration.fit(builtin_methods().get(method), options, changes, recipe);
  return recipe;
}

}  // namespace

TEST_CASE("emitted attention products are those of the golden file", "[pipeline][golden]") {
  const Specimen specimen;
  const ModelFile emitted = quantize(specimen.model, specimen.recipe(6, true));
  CHECK_NOTHROW(emitted.check());
  test::check_golden("emitted/attention_a6.txt", emitted.to_text());
}

TEST_CASE("integer attention computes what the nodes of the file say", "[pipeline]") {
  const Specimen specimen;
  for (const int bits : {8, 6, 3}) {
    for (const bool symmetric_right : {true, false}) {
      INFO(bits << " bits, right operands " << (symmetric_right ? "symmetric" : "asymmetric"));
      const ModelFile emitted = quantize(specimen.model, specimen.recipe(bits, symmetric_right));
      const auto fused = run_with(emitted, specimen.input, KernelChoice::automatic);
      const auto exact = run_with(emitted, specimen.input, KernelChoice::reference);
      // Sums of some ten float products in another order; no code lies on a rounding boundary here.
      CHECK(test::relative_error(fused, exact) < 2e-6);
    }
  }
}

TEST_CASE("what Q and K ask of their layer changes nothing but rounding", "[pipeline]") {
  const Specimen specimen;
  const Recipe plain = test::made_up_recipe(specimen.planned, {specimen.input}, {});
  const auto expected = floats(test::run(quantize(specimen.model, plain), {specimen.input})[0]);
  for (const std::string method : {"noisyquant", "best"}) {
    INFO(method);
    Recipe rewritten = calibrated(specimen, method, 4);
    const SiteRecipe& site = rewritten.sites[0];
    if (method == "best") CHECK(site.output_shift.size() == 24);
    CHECK_FALSE((method == "noisyquant" && !site.output_scale.empty()));
    REQUIRE(rewritten.products.size() == 2);
    rewritten.products.clear();
    const auto actual = floats(test::run(quantize(specimen.model, rewritten), {specimen.input})[0]);
    CHECK(test::relative_error(actual, expected) < 2e-6);
  }
}

TEST_CASE("channel scales between Q and K and a shift of K cancel", "[pipeline]") {
  const Specimen specimen;
  Recipe recipe =
      test::made_up_recipe(specimen.planned, {specimen.input}, {.noise = true, .correction = true});
  const auto expected = floats(test::run(quantize(specimen.model, recipe), {specimen.input})[0]);
  SiteRecipe& layer = recipe.sites[0];
  layer.output_scale.assign(24, 1.0F);
  layer.output_shift.assign(24, 0.0F);
  for (std::size_t c = 0; c < 8; ++c) {
    const float factor = std::exp2(0.3F * static_cast<float>(c) - 1.0F);
    layer.output_scale[c] = factor;
    layer.output_scale[8 + c] = 1.0F / factor;
    layer.output_shift[8 + c] = static_cast<float>(c) - 3.0F;
  }
  const auto actual = floats(test::run(quantize(specimen.model, recipe), {specimen.input})[0]);
  // Scores of up to some tens, rounded in another place.
  CHECK(test::relative_error(actual, expected) < 2e-5);
}

TEST_CASE("stages of a product search never raise the loss", "[pipeline]") {
  const Specimen specimen;
  for (const MethodInfo& info : builtin_methods().all()) {
    INFO(info.name);
    const Recipe recipe = calibrated(specimen, std::string(info.name), 4);
    REQUIRE(recipe.products.size() == 2);
    for (const ProductRecipe& product : recipe.products) {
      for (std::size_t k = 1; k < product.stages.size(); ++k) {
        CHECK(product.stages[k].mse <= product.stages[k - 1].mse);
      }
    }
    CHECK_FALSE(recipe.products[1].left.is_signed);
    CHECK(recipe.products[1].left.zero_point[0] == 0);
    CHECK(recipe_to_json(calibrated(specimen, std::string(info.name), 4)) == recipe_to_json(recipe));
  }
}

TEST_CASE("values that carry the projection's noise and scales are quantized as they are then", "[pipeline]") {
  const Specimen specimen;
  Recipe recipe = test::made_up_recipe(specimen.planned, {specimen.input},
                                       {.weight_bits = 8, .noise = true, .correction = true, .channel_scale = true});
  std::vector<BoundGroup> bound;
  for (const SiteGroup& group : specimen.planned.groups) {
    bound.push_back({group, {&*std::find_if(recipe.sites.begin(), recipe.sites.end(), [&](const SiteRecipe& site) {
                       return site.origin == group.leader().origin;
                     })}});
  }
  const OutputChanges changes = find_output_changes(specimen.planned.typed, bound, {});
  REQUIRE(changes.served.contains("out"));
  REQUIRE(changes.of("product") != nullptr);
  const auto expected = floats(test::run(quantize(specimen.model, recipe), {specimen.input})[0]);
  const Recipe fitted = calibrated(specimen, "easyquant", 16, changes);
  recipe.products = fitted.products;
  // Sixteen bits of operands that were measured as the projection changes them; other ranges would clip.
  CHECK(test::relative_error(floats(test::run(quantize(specimen.model, recipe), {specimen.input})[0]), expected) < 2e-3);
}

TEST_CASE("a recipe's product must be one of the model", "[pipeline]") {
  const Specimen specimen;
  Recipe recipe = specimen.recipe(8, true);
  recipe.products[0].origin = "nowhere";
  CHECK_ERROR(quantize(specimen.model, recipe), input, "nowhere");
  recipe = specimen.recipe(8, true);
  recipe.products[0].role = ProductRole::values;
  CHECK_ERROR(quantize(specimen.model, recipe), input, "not in the model");
}

}  // namespace nq
