#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "nq/recipe.hpp"
#include "support/errors.hpp"
#include "support/models.hpp"
#include "support/temp_dir.hpp"

namespace nq {
namespace {

using Json = nlohmann::ordered_json;

SiteRecipe sample_site(const std::string& name, int group) {
  SiteRecipe site;
  site.name = name;
  site.origin = name + "_output_0";
  site.group = group;
  site.c_in = 3;
  site.c_out = 2;
  site.activation = {
      .bits = 6, .is_signed = false, .narrow = false, .axis = -1, .scale = {0.1F}, .zero_point = {31}};
  site.weight = {
      .bits = 4, .is_signed = true, .narrow = true, .axis = 1, .scale = {1e-7F, 3.0F}, .zero_point = {0, 0}};
  site.weight_codes = {-7, 7, 0, 1, 2, -3};
  site.noisy_bias = {0.25F, -1e-20F, 3.4e38F};
  site.noise_mean = 0.1;
  site.noise_amplitude = 1.0 / 3;
  site.bias_correction = {1e-3F, -5};
  site.channel_scale = {1, 2, 0.5F};
  site.outlier_channels = {0, 2};
  site.stages = {{"minmax", 0.5}, {"scale", 1.0 / 7}};
  return site;
}

Recipe sample() {
  Recipe recipe;
  recipe.tool_version = "1.2";
  recipe.model_sha256 = std::string(64, 'a');
  recipe.method = "noisyquant";
  recipe.options = {{"abits", "6"}, {"include", "a\"b\\c"}};
  recipe.preprocess = R"({"mean":[0.5,0.5,0.5]})";
  recipe.input_shapes = {{"input", Shape{1, 3, 8, 8}}};
  recipe.calibration_images = 32;
  recipe.seed = 18446744073709551615ULL;
  recipe.image_list_sha256 = std::string(64, 'b');
  recipe.sites = {sample_site("/blocks.0/qkv/MatMul", 0), sample_site("plain", 1)};
  recipe.sites[1].noisy_bias.clear();
  recipe.sites[1].noise_mean = recipe.sites[1].noise_amplitude = 0;
  recipe.sites[1].bias_correction.clear();
  recipe.sites[1].channel_scale.clear();
  recipe.sites[1].outlier_channels.clear();
  recipe.sites[1].weight_codes.clear();
  recipe.sites[0].output_scale = {0.5F, 3};
  recipe.sites[0].output_shift = {0, -0.125F};
  ProductRecipe product;
  product.name = "/blocks.0/attn/MatMul";
  product.origin = "scores";
  product.role = ProductRole::values;
  product.left = product.right = recipe.sites[0].activation;
  product.right.is_signed = true;
  product.stages = {{"minmax", 0.25}};
  recipe.products = {product};
  recipe.skipped = {{"/head", "classifier head"}};
  return recipe;
}

void check_equal(const SiteRecipe& a, const SiteRecipe& b) {
  CHECK(a.name == b.name);
  CHECK(a.origin == b.origin);
  CHECK(a.group == b.group);
  CHECK(a.activation.bits == b.activation.bits);
  CHECK(a.activation.is_signed == b.activation.is_signed);
  CHECK(a.activation.narrow == b.activation.narrow);
  CHECK(a.activation.scale == b.activation.scale);
  CHECK(a.activation.zero_point == b.activation.zero_point);
  CHECK(a.weight.bits == b.weight.bits);
  CHECK(a.weight.narrow == b.weight.narrow);
  CHECK(a.weight.axis == b.weight.axis);
  CHECK(a.weight.scale == b.weight.scale);
  CHECK(a.weight.zero_point == b.weight.zero_point);
  CHECK(a.weight_codes == b.weight_codes);
  CHECK(a.noisy_bias == b.noisy_bias);
  CHECK(a.noise_amplitude == b.noise_amplitude);
  CHECK(a.bias_correction == b.bias_correction);
  CHECK(a.channel_scale == b.channel_scale);
  CHECK(a.outlier_channels == b.outlier_channels);
  CHECK(a.output_scale == b.output_scale);
  CHECK(a.output_shift == b.output_shift);
  CHECK(a.stages.size() == b.stages.size());
  CHECK(a.stages.back().mse == b.stages.back().mse);
}

/// The error of the sample after a change of its JSON.
Error refused(const std::function<void(Json&)>& change) {
  Json json = Json::parse(recipe_to_json(sample()));
  change(json);
  return test::error_of([&] { (void)recipe_from_json(json.dump(), "r.json"); });
}

}  // namespace

TEST_CASE("a recipe comes back exactly", "[pipeline]") {
  const Recipe recipe = sample();
  const std::string text = recipe_to_json(recipe);
  const Recipe back = recipe_from_json(text, "r.json");
  CHECK(recipe_to_json(back) == text);
  REQUIRE(back.sites.size() == 2);
  check_equal(back.sites[0], recipe.sites[0]);
  check_equal(back.sites[1], recipe.sites[1]);
  REQUIRE(back.products.size() == 1);
  CHECK(back.products[0].origin == "scores");
  CHECK(back.products[0].role == ProductRole::values);
  CHECK(back.products[0].left.zero_point == recipe.products[0].left.zero_point);
  CHECK(back.products[0].right.is_signed);
  CHECK(back.options == recipe.options);
  CHECK(back.seed == recipe.seed);
  CHECK(back.input_shapes.at("input") == Shape{1, 3, 8, 8});
  CHECK(Json::parse(back.preprocess) == Json::parse(recipe.preprocess));
  CHECK(back.skipped[0].reason == "classifier head");
  const test::TempDir folder;
  save_recipe(folder / "r.json", recipe);
  CHECK(recipe_to_json(load_recipe(folder / "r.json")) == text);
  CHECK_ERROR(load_recipe(folder / "gone.json"), input, "gone.json");
}

TEST_CASE("a recipe of schema 1 has no products", "[pipeline]") {
  Json json = Json::parse(recipe_to_json(sample()));
  json["schema"] = 1;
  json.erase("products");
  CHECK(recipe_from_json(json.dump(), "r.json").products.empty());
}

TEST_CASE("floats of a recipe survive bit by bit, in readable form", "[pipeline]") {
  Recipe recipe = sample();
  SiteRecipe& site = recipe.sites[0];
  site.c_in = 20000;
  site.weight_codes.clear();
  site.channel_scale.clear();
  site.outlier_channels.clear();
  site.noisy_bias.clear();
  RandomStream stream(1, "bits");
  while (site.noisy_bias.size() < 20000) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(stream.next()));
    if (std::isfinite(value)) site.noisy_bias.push_back(value);
  }
  const std::string text = recipe_to_json(recipe);
  const Recipe back = recipe_from_json(text, "r");
  CHECK(back.sites[0].noisy_bias == site.noisy_bias);
  CHECK_THAT(text, Catch::Matchers::Contains("\"scale\": 0.1,"));
}

TEST_CASE("every inconsistency of a recipe is refused with its key", "[pipeline]") {
  const std::vector<std::pair<std::function<void(Json&)>, std::string>> cases = {
      {[](Json& j) { j.erase("schema"); }, "'recipe.schema' is missing"},
      {[](Json& j) { j["schema"] = 3; }, "schema 3 is not known"},
      {[](Json& j) { j.erase("products"); }, "'recipe.products' is missing"},
      {[](Json& j) { j["products"][0]["role"] = "sum"; }, "'recipe.products[0].role' must be scores or values"},
      {[](Json& j) { j["products"][0]["left"]["scale"] = 0; }, "'recipe.products[0].left.scale' must be positive"},
      {[](Json& j) { j["products"].push_back(j["products"][0]); }, "twice"},
      {[](Json& j) { j["sites"][0]["output_scale"][0] = -1; }, "'recipe.sites[0].output_scale' must be positive"},
      {[](Json& j) { j["sites"][0]["output_shift"] = {1}; }, "'recipe.sites[0].output_shift' must have 2 values"},
      {[](Json& j) { j["schema"] = "1"; }, "'recipe.schema' must be an integer"},
      {[](Json& j) { j["schema"] = 1.0; }, "'recipe.schema' must be an integer"},
      {[](Json& j) { j = Json::array(); }, "'recipe' must be an object"},
      {[](Json& j) { j.erase("tool"); }, "'recipe.tool' is missing"},
      {[](Json& j) { j["tool"] = 3; }, "'recipe.tool' must be an object"},
      {[](Json& j) { j["model"].erase("sha256"); }, "'recipe.model.sha256' is missing"},
      {[](Json& j) { j["model"]["sha256"] = 5; }, "'recipe.model.sha256' has the wrong type"},
      {[](Json& j) { j["model"]["input_shapes"] = Json::array(); },
       "'recipe.model.input_shapes' must be an object"},
      {[](Json& j) { j["model"]["input_shapes"]["input"] = {1.5}; }, "must hold integers"},
      {[](Json& j) {
         j["model"]["input_shapes"]["input"] = {-1, 3};
       },
       "negative dimension"},
      {[](Json& j) { j["method"] = nullptr; }, "'recipe.method' has the wrong type"},
      {[](Json& j) {
         j["options"] = {1, 2};
       },
       "'recipe.options' must be an object"},
      {[](Json& j) { j["calibration"]["images"] = -1; }, "outside 0"},
      {[](Json& j) { j["calibration"]["seed"] = -1; }, "seed' must be an integer"},
      {[](Json& j) { j["calibration"]["seed"] = 1.5; }, "seed' must be an integer"},
      {[](Json& j) { j["sites"] = Json::object(); }, "'recipe.sites' must be a list"},
      {[](Json& j) { j["sites"][0] = 4; }, "'recipe.sites[0]' must be an object"},
      {[](Json& j) { j["skipped"] = Json::object(); }, "'recipe.skipped' must be a list"},
      {[](Json& j) { j["sites"][1].erase("origin"); }, "'recipe.sites[1].origin' is missing"},
      {[](Json& j) { j["sites"][0]["group"] = -1; }, "'recipe.sites[0].group' is -1"},
      {[](Json& j) { j["sites"][0]["c_in"] = 0; }, "'recipe.sites[0].c_in' is 0"},
      {[](Json& j) { j["sites"][0]["c_in"] = 18446744073709551615ULL; }, "'recipe.sites[0].c_in'"},
      {[](Json& j) { j["sites"][0]["activation"]["bits"] = 9; }, "activation.bits' is 9, outside 2..8"},
      {[](Json& j) { j["sites"][0]["activation"]["bits"] = 1; }, "activation.bits' is 1"},
      {[](Json& j) { j["sites"][0]["activation"]["signed"] = 1; }, "activation.signed' has the wrong type"},
      {[](Json& j) { j["sites"][0]["activation"]["scale"] = 0; }, "activation.scale' must be positive"},
      {[](Json& j) { j["sites"][0]["activation"]["scale"] = 1e300; }, "activation.scale' must be finite"},
      {[](Json& j) { j["sites"][0]["activation"]["scale"] = nullptr; },
       "activation.scale' has the wrong type"},
      {[](Json& j) { j["sites"][0]["activation"]["zero_point"] = 64; },
       "activation.zero_point' is 64, outside 0..63"},
      {[](Json& j) { j["sites"][0]["weight"]["scale"] = {1.0}; }, "weight.scale' must have 2 values, not 1"},
      {[](Json& j) {
         j["sites"][0]["weight"]["scale"] = {1.0, -1.0};
       },
       "weight.scale' must be positive"},
      {[](Json& j) { j["sites"][0]["weight"]["codes_base64"] = "AAAA"; }, "must have 6 codes, not 3"},
      {[](Json& j) { j["sites"][0]["weight"]["codes_base64"] = "CAAAAAAA"; }, "holds 8, outside 4 bits"},
      {[](Json& j) { j["sites"][0]["weight"]["codes_base64"] = "+AAAAAAA"; }, "holds -8, outside 4 bits"},
      {[](Json& j) { j["sites"][0]["weight"]["codes_base64"] = "!!!!"; }, "base64"},
      {[](Json& j) {
         j["sites"][0]["noisy_bias"]["values"] = {1, 2};
       },
       "noisy_bias.values' must have 3 values"},
      {[](Json& j) { j["sites"][0]["noisy_bias"].erase("mean"); }, "noisy_bias.mean' is missing"},
      {[](Json& j) { j["sites"][0]["bias_correction"] = "x"; }, "bias_correction' has the wrong type"},
      {[](Json& j) {
         j["sites"][0]["channel_scale"] = {1, 0, 1};
       },
       "channel_scale' must be positive"},
      {[](Json& j) {
         j["sites"][0]["outlier_channels"] = {2, 1};
       },
       "outlier_channels' must ascend below 3"},
      {[](Json& j) {
         j["sites"][0]["outlier_channels"] = {1, 1};
       },
       "must ascend"},
      {[](Json& j) { j["sites"][0]["outlier_channels"] = {3}; }, "must ascend below 3"},
      {[](Json& j) { j["sites"][0]["outlier_channels"] = {-1}; }, "must ascend"},
      {[](Json& j) { j["sites"][0]["outlier_channels"] = {1.5}; }, "must hold integers"},
      {[](Json& j) { j["sites"][0]["outlier_channels"] = {4294967297LL}; }, "must ascend"},
      {[](Json& j) { j["sites"][0]["losses"] = 1; }, "losses' must be a list"},
      {[](Json& j) { j["sites"][0]["losses"][0]["mse"] = "x"; }, "mse' has the wrong type"},
      {[](Json& j) { j["sites"][1]["group"] = 0; }, "share group 0 but not its quantizer"},
  };
  for (const auto& [change, text] : cases) {
    const Error error = refused(change);
    CHECK(error.kind() == ErrorKind::input);
    CHECK_THAT(error.full_text(), Catch::Matchers::Contains(text));
    CHECK_THAT(error.full_text(), Catch::Matchers::Contains("in recipe 'r.json'"));
  }
}

TEST_CASE("text that is no JSON, or too deep, is refused", "[pipeline]") {
  CHECK_ERROR(recipe_from_json("", "r"), input, "not valid JSON");
  CHECK_ERROR(recipe_from_json("{\"schema\": 1", "r"), input, "not valid JSON");
  CHECK_ERROR(recipe_from_json("\xFF\xFE", "r"), input, "not valid JSON");
  CHECK_ERROR(recipe_from_json(std::string(1000000, '['), "r"), input, "nested more than 64 deep");
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  CHECK_ERROR(recipe_from_json("{\"preprocess\": " + deep + "}", "r"), input, "nested more than 64 deep");
}

TEST_CASE("any cut of a recipe is refused", "[pipeline]") {
  const std::string text = recipe_to_json(sample());
  for (std::size_t length = 0; length + 2 < text.size(); length += 7) {
    CHECK_ERROR(recipe_from_json(text.substr(0, length), "r"), input, "r");
  }
}

TEST_CASE("a name that is no UTF-8 cannot enter a recipe", "[pipeline]") {
  Recipe recipe = sample();
  recipe.sites[0].name = "\xFF\xFE";
  CHECK_ERROR(recipe_to_json(recipe), input, "not UTF-8");
}

}  // namespace nq
