#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "core/check.hpp"
#include "core/files.hpp"
#include "nq/evaluation_record.hpp"
#include "nq/recipe.hpp"
#include "pipeline/base64.hpp"
#include "pipeline/json_float.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/pretty_json.hpp"

namespace nq {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxRecipeBytes = std::uint64_t{1} << 31;

// ---- writing ----

Json activation_json(const QuantParams& params) {
  return {{"bits", params.bits},
          {"signed", params.is_signed},
          {"scale", json_float(params.scale.at(0))},
          {"zero_point", params.zero_point.at(0)}};
}

std::string encode_codes(const SiteRecipe& site) {
  NQ_CHECK(site.weight.bits <= 8, unsupported, "a recipe file holds codes of at most 8 bits, not {}", site.weight.bits);
  return base64_encode(std::vector<std::int8_t>(site.weight_codes.begin(), site.weight_codes.end()));
}

Json site_json(const SiteRecipe& site) {
  Json json = {{"name", site.name}, {"origin", site.origin}, {"group", site.group},
               {"c_in", site.c_in}, {"c_out", site.c_out}};
  Json losses = Json::array();
  for (const StageLoss& stage : site.stages) losses.push_back({{"stage", stage.stage}, {"mse", stage.mse}});
  if (!site.stages.empty()) {
    json["loss_before"] = site.stages.front().mse;
    json["loss_after"] = site.stages.back().mse;
  }
  json["losses"] = std::move(losses);
  json["activation"] = activation_json(site.activation);
  json["weight"] = {{"bits", site.weight.bits}, {"signed", true}, {"zero_point", 0}, {"scale", json_floats(site.weight.scale)}};
  if (!site.weight_codes.empty()) json["weight"]["codes_base64"] = encode_codes(site);
  if (!site.noisy_bias.empty()) {
    json["noisy_bias"] = {{"mean", site.noise_mean}, {"amplitude", site.noise_amplitude},
                          {"values", json_floats(site.noisy_bias)}};
  }
  if (!site.bias_correction.empty()) json["bias_correction"] = json_floats(site.bias_correction);
  if (!site.channel_scale.empty()) json["channel_scale"] = json_floats(site.channel_scale);
  if (!site.outlier_channels.empty()) json["outlier_channels"] = site.outlier_channels;
  if (!site.output_scale.empty()) json["output_scale"] = json_floats(site.output_scale);
  if (!site.output_shift.empty()) json["output_shift"] = json_floats(site.output_shift);
  return json;
}

Json product_json(const ProductRecipe& product) {
  Json losses = Json::array();
  for (const StageLoss& stage : product.stages) losses.push_back({{"stage", stage.stage}, {"mse", stage.mse}});
  return {{"name", product.name},
          {"origin", product.origin},
          {"role", to_string(product.role)},
          {"left", activation_json(product.left)},
          {"right", activation_json(product.right)},
          {"losses", losses}};
}

// ---- reading ----

QuantParams read_activation(const JsonReader& reader) {
  QuantParams params;
  params.bits = static_cast<int>(reader.bounded("bits", 2, 8));
  params.is_signed = reader.get<bool>("signed");
  params.scale = {reader.finite("scale")};
  NQ_CHECK(params.scale[0] > 0, input, "'{}.scale' must be positive", reader.path());
  params.zero_point = {static_cast<std::int32_t>(reader.bounded("zero_point", params.qmin(), params.qmax()))};
  return params;
}

QuantParams read_weight(const JsonReader& reader, std::int64_t c_out) {
  QuantParams params;
  params.bits = static_cast<int>(reader.bounded("bits", 2, 8));
  params.narrow = true;
  params.axis = 1;
  params.scale = reader.floats("scale", c_out);
  for (const float scale : params.scale) {
    NQ_CHECK(scale > 0, input, "'{}.scale' must be positive", reader.path());
  }
  params.zero_point.assign(params.scale.size(), 0);
  return params;
}

std::vector<WeightCode> read_codes(const JsonReader& reader, const QuantParams& weight, std::int64_t count) {
  const auto codes = base64_decode(reader.get<std::string>("codes_base64"));
  NQ_CHECK(static_cast<std::int64_t>(codes.size()) == count, input, "'{}.codes_base64' must have {} codes, not {}",
           reader.path(), count, codes.size());
  for (const std::int8_t code : codes) {
    NQ_CHECK(code >= weight.qmin() && code <= weight.qmax(), input, "'{}.codes_base64' holds {}, outside {} bits",
             reader.path(), code, weight.bits);
  }
  return {codes.begin(), codes.end()};
}

void read_outliers(const JsonReader& reader, SiteRecipe& site) {
  std::int64_t previous = -1;
  for (const std::int64_t channel : reader.integers("outlier_channels")) {
    NQ_CHECK(channel > previous && channel < site.c_in, input, "'{}.outlier_channels' must ascend below {}",
             reader.path(), site.c_in);
    site.outlier_channels.push_back(static_cast<std::int32_t>(channel));
    previous = channel;
  }
}

std::vector<StageLoss> read_losses(const JsonReader& reader) {
  std::vector<StageLoss> stages;
  for (const Json& item : reader.list("losses")) {
    const JsonReader loss(item, reader.path() + ".losses[]");
    stages.push_back({loss.get<std::string>("stage"), loss.get<double>("mse")});
  }
  return stages;
}

SiteRecipe read_site(const JsonReader& reader) {
  SiteRecipe site;
  site.name = reader.get<std::string>("name");
  site.origin = reader.get<std::string>("origin");
  site.group = static_cast<int>(reader.bounded("group", 0, 1 << 20));
  site.c_in = reader.bounded("c_in", 1, std::int64_t{1} << 24);
  site.c_out = reader.bounded("c_out", 1, std::int64_t{1} << 24);
  site.activation = read_activation(reader.object("activation"));
  const JsonReader weight = reader.object("weight");
  site.weight = read_weight(weight, site.c_out);
  if (weight.has("codes_base64")) site.weight_codes = read_codes(weight, site.weight, site.c_in * site.c_out);
  if (reader.has("noisy_bias")) {
    const JsonReader noise = reader.object("noisy_bias");
    site.noisy_bias = noise.floats("values", site.c_in);
    site.noise_mean = noise.get<double>("mean");
    site.noise_amplitude = noise.get<double>("amplitude");
  }
  if (reader.has("bias_correction")) site.bias_correction = reader.floats("bias_correction", site.c_out);
  if (reader.has("channel_scale")) {
    site.channel_scale = reader.floats("channel_scale", site.c_in);
    for (const float scale : site.channel_scale) {
      NQ_CHECK(scale > 0, input, "'{}.channel_scale' must be positive", reader.path());
    }
  }
  if (reader.has("outlier_channels")) read_outliers(reader, site);
  if (reader.has("output_scale")) {
    site.output_scale = reader.floats("output_scale", site.c_out);
    for (const float scale : site.output_scale) {
      NQ_CHECK(scale > 0, input, "'{}.output_scale' must be positive", reader.path());
    }
  }
  if (reader.has("output_shift")) site.output_shift = reader.floats("output_shift", site.c_out);
  site.stages = read_losses(reader);
  return site;
}

ProductRecipe read_product(const JsonReader& reader) {
  ProductRecipe product;
  product.name = reader.get<std::string>("name");
  product.origin = reader.get<std::string>("origin");
  const auto role = reader.get<std::string>("role");
  NQ_CHECK(role == "scores" || role == "values", input, "'{}.role' must be scores or values", reader.path());
  product.role = role == "scores" ? ProductRole::scores : ProductRole::values;
  product.left = read_activation(reader.object("left"));
  product.right = read_activation(reader.object("right"));
  product.stages = read_losses(reader);
  return product;
}

void check_products(const Recipe& recipe) {
  std::set<std::string> seen;
  for (const ProductRecipe& product : recipe.products) {
    NQ_CHECK(seen.insert(product.origin).second, input, "the recipe has the product '{}' (output '{}') twice",
             product.name, product.origin);
  }
}

/// Sites of one group must agree on everything that describes their common input.
void check_groups(const Recipe& recipe) {
  std::map<int, const SiteRecipe*> first;
  for (const SiteRecipe& site : recipe.sites) {
    const auto [it, inserted] = first.emplace(site.group, &site);
    if (inserted) continue;
    const SiteRecipe& leader = *it->second;
    const bool equal = leader.c_in == site.c_in && leader.noisy_bias == site.noisy_bias &&
                       leader.channel_scale == site.channel_scale &&
                       leader.outlier_channels == site.outlier_channels &&
                       leader.activation.scale == site.activation.scale &&
                       leader.activation.zero_point == site.activation.zero_point &&
                       leader.activation.bits == site.activation.bits &&
                       leader.activation.is_signed == site.activation.is_signed;
    NQ_CHECK(equal, input, "sites '{}' and '{}' share group {} but not its quantizer", leader.name, site.name,
             site.group);
  }
}

Recipe read_recipe(const Json& json) {
  const JsonReader reader(json, "recipe");
  const std::int64_t schema = reader.bounded("schema", 1, INT32_MAX);
  NQ_CHECK(schema <= Recipe::kSchema, input, "recipe schema {} is not known to this version (it reads 1 to {})", schema,
           Recipe::kSchema);
  Recipe recipe;
  recipe.tool_version = reader.object("tool").get<std::string>("version");
  recipe.model_sha256 = reader.object("model").get<std::string>("sha256");
  const JsonReader shapes = reader.object("model").object("input_shapes");
  for (const auto& [name, dims] : shapes.items()) {
    recipe.input_shapes[name] = Shape(shapes.integers(name.c_str()));
    (void)recipe.input_shapes[name].elements();
  }
  recipe.method = reader.get<std::string>("method");
  for (const auto& [key, value] : reader.object("options").items()) {
    recipe.options[key] = value.is_string() ? value.get<std::string>() : value.dump();
  }
  if (const Json& preprocess = reader.at("preprocess"); !preprocess.is_null()) recipe.preprocess = preprocess.dump();
  const JsonReader calibration = reader.object("calibration");
  recipe.calibration_images = calibration.bounded("images", 0, INT32_MAX);
  NQ_CHECK(calibration.at("seed").is_number_unsigned(), input, "'recipe.calibration.seed' must be an integer");
  recipe.seed = calibration.get<std::uint64_t>("seed");
  recipe.image_list_sha256 = calibration.get<std::string>("image_list_sha256");
  if (reader.has("evaluation")) {
    recipe.evaluation = evaluation_to_json(evaluation_from_json(reader.at("evaluation").dump()));
  }
  const Json& sites = reader.list("sites");
  for (std::size_t k = 0; k < sites.size(); ++k) {
    recipe.sites.push_back(read_site(JsonReader(sites[k], fmt::format("recipe.sites[{}]", k))));
  }
  if (schema >= 2) {
    const Json& products = reader.list("products");
    for (std::size_t k = 0; k < products.size(); ++k) {
      recipe.products.push_back(read_product(JsonReader(products[k], fmt::format("recipe.products[{}]", k))));
    }
  }
  for (const Json& item : reader.list("skipped")) {
    const JsonReader skipped(item, "recipe.skipped[]");
    recipe.skipped.push_back({skipped.get<std::string>("name"), skipped.get<std::string>("reason")});
  }
  check_groups(recipe);
  check_products(recipe);
  return recipe;
}

}  // namespace

std::string recipe_to_json(const Recipe& recipe) {
  Json shapes = Json::object();
  for (const auto& [name, shape] : recipe.input_shapes) {
    shapes[name] = std::vector<std::int64_t>(shape.begin(), shape.end());
  }
  Json json = {{"schema", Recipe::kSchema},
               {"tool", {{"name", "nqcli"}, {"version", recipe.tool_version}}},
               {"model", {{"sha256", recipe.model_sha256}, {"input_shapes", shapes}}},
               {"method", recipe.method},
               {"options", recipe.options},
               {"preprocess", recipe.preprocess.empty() ? Json() : Json::parse(recipe.preprocess)},
               {"calibration",
                {{"images", recipe.calibration_images},
                 {"seed", recipe.seed},
                 {"image_list_sha256", recipe.image_list_sha256}}}};
  if (!recipe.evaluation.empty()) json["evaluation"] = Json::parse(recipe.evaluation);
  Json sites = Json::array();
  for (const SiteRecipe& site : recipe.sites) sites.push_back(site_json(site));
  Json skipped = Json::array();
  for (const SkippedSite& site : recipe.skipped) skipped.push_back({{"name", site.name}, {"reason", site.reason}});
  json["sites"] = std::move(sites);
  json["products"] = Json::array();
  for (const ProductRecipe& product : recipe.products) json["products"].push_back(product_json(product));
  json["skipped"] = std::move(skipped);
  try {
    return pretty_json(json);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::input, "a name in the model is not UTF-8 text, which a recipe cannot hold");
  }
}

Recipe recipe_from_json(const std::string& text, const std::string& source) {
  return with_context(
      [&] {
        const Json json = parse_untrusted(text);
        return read_recipe(json);
      },
      [&] { return fmt::format("in recipe '{}'", source); });
}

Recipe load_recipe(const std::filesystem::path& path) {
  return recipe_from_json(read_file(path, kMaxRecipeBytes), path.string());
}

void save_recipe(const std::filesystem::path& path, const Recipe& recipe) {
  write_file_atomically(path, recipe_to_json(recipe));
}

}  // namespace nq
