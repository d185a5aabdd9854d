#include "nq/quantize.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/check.hpp"
#include "nq/evaluation_record.hpp"
#include "nq/executor.hpp"
#include "nq/version.hpp"
#include "onnx/edit.hpp"
#include "pipeline/changed_values.hpp"
#include "pipeline/group_emitter.hpp"
#include "pipeline/int16_offsets.hpp"
#include "pipeline/product_emitter.hpp"

namespace nq {
namespace {

std::vector<BoundGroup> bind_recipe(const SiteSearch& found, const Recipe& recipe) {
  std::map<std::string, const LinearSite*> by_origin;
  for (const LinearSite& site : found.sites) by_origin[site.origin] = &site;
  std::vector<BoundGroup> groups;
  std::map<int, std::size_t> index;
  std::set<std::string> seen;
  for (const SiteRecipe& item : recipe.sites) {
    NQ_CHECK(seen.insert(item.origin).second, input, "the recipe has the layer '{}' (output '{}') twice", item.name,
             item.origin);
    const auto it = by_origin.find(item.origin);
    NQ_CHECK(it != by_origin.end(), input, "the recipe's layer '{}' (output '{}') is not in the model", item.name,
             item.origin);
    const auto [position, inserted] = index.emplace(item.group, groups.size());
    if (inserted) groups.push_back({{it->second->x, {}}, {}});
    BoundGroup& bound = groups[position->second];
    NQ_CHECK(bound.group.x == it->second->x, input, "sites of recipe group {} read different values", item.group);
    bound.group.sites.push_back(*it->second);
    bound.recipes.push_back(&item);
  }
  return groups;
}

/// One spelling, whether the recipe was just made or read from a file.
std::string compact_json(const std::string& text) {
  return text.empty() ? text : nlohmann::ordered_json::parse(text).dump();
}

std::string option(const Recipe& recipe, const char* name) {
  const auto it = recipe.options.find(name);
  return it == recipe.options.end() ? std::string() : it->second;
}

/// The part of the model that was calibrated, in the types in which it was.
ModelFile calibrated_part(const ModelFile& model, const Recipe& recipe) {
  const ModelFile part = model.read_as({option(recipe, "input_name"), option(recipe, "output_name")});
  return option(recipe, kFloat32Option) == "true" ? part.in_float32() : part;
}

void stamp(ModelEdit& edit, const ModelFile& model, const Recipe& recipe) {
  const nlohmann::json options(recipe.options);
  edit.set_producer("nqcli", std::string(version()));
  edit.set_metadata("nqcli.source_producer", model.producer());
  edit.set_metadata("nqcli.version", recipe.tool_version);
  edit.set_metadata("nqcli.source_sha256", recipe.model_sha256);
  edit.set_metadata("nqcli.method", recipe.method);
  edit.set_metadata("nqcli.options", options.dump());
  edit.set_metadata("nqcli.preprocess", compact_json(recipe.preprocess));
  edit.set_metadata("nqcli.seed", std::to_string(recipe.seed));
  edit.set_metadata("nqcli.calibration_images", std::to_string(recipe.calibration_images));
  edit.set_metadata("nqcli.image_list_sha256", recipe.image_list_sha256);
}

/// The denoising bias must undo the noise that the file holds: N is rounded before anything is computed from it.
Recipe with_rounded_noise(Recipe recipe) {
  for (SiteRecipe& site : recipe.sites) {
    if (!site.noisy_bias.empty()) site.noisy_bias = int16_rounded(site.noisy_bias);
  }
  return recipe;
}

void check_int4(const Recipe& recipe) {
  const bool fits = std::any_of(recipe.sites.begin(), recipe.sites.end(),
                                [](const SiteRecipe& site) { return site.weight.bits <= kInt4Bits; });
  if (fits) return;
  throw Error(ErrorKind::usage, "no layer has weights of at most 4 bits, and more do not fit int4",
              "--wbits 4 or a --bits rule such as 'fc1=w4'");
}

/// Per-channel DequantizeLinear exists since opset 13, int4 and int16 since 21.
int needed_opset(const Recipe& recipe, const EmitOptions& options) {
  const bool wide_layers = std::any_of(recipe.sites.begin(), recipe.sites.end(), [](const SiteRecipe& site) {
    return std::max(site.weight.bits, site.activation.bits) > 8;
  });
  const bool wide_products = std::any_of(recipe.products.begin(), recipe.products.end(), [](const ProductRecipe& product) {
    return std::max(product.left.bits, product.right.bits) > 8;
  });
  return options.int4_weights || wide_layers || wide_products ? 21 : 13;
}

}  // namespace

ModelFile quantize(const ModelFile& whole, const Recipe& given, const EmitOptions& options) {
  const Recipe recipe = options.int16_offsets ? with_rounded_noise(given) : given;
  NQ_CHECK(recipe.model_sha256 == whole.sha256(), input,
           "the recipe was made for another model (sha256 {}..., this one is {}...)", recipe.model_sha256.substr(0, 12),
           whole.sha256().substr(0, 12));
  if (options.int4_weights) check_int4(recipe);
  const ModelFile model = calibrated_part(whole, recipe);
  const TypedGraph typed = specialize(model.to_graph(), {recipe.input_shapes, {}});
  const SiteSearch found = find_linear_sites(typed);
  ModelEdit edit(model);
  edit.raise_opset(needed_opset(recipe, options), [&](const std::string& name) {
    const auto id = typed.graph.find_value(name);
    return id ? typed.type(*id).shape.rank() : -1;
  });
  const std::vector<BoundGroup> groups = bind_recipe(found, recipe);
  const OutputChanges changes = find_output_changes(typed, groups, options);
  for (const BoundGroup& bound : groups) {
    with_context(
        [&] { GroupEmitter(edit, typed, bound, changes, options).emit(); },
        [&] { return fmt::format("while writing '{}'", bound.group.leader().name); });
  }
  for (const ProductRecipe& product : recipe.products) {
    with_context([&] { emit_product(edit, typed, found, product); },
                 [&] { return fmt::format("while writing '{}'", product.name); });
  }
  stamp(edit, model, recipe);
  const std::string changed = changed_outputs_to_json(changes.by_origin);
  if (!changed.empty()) edit.set_metadata(kChangedValuesKey, changed);
  const ModelFile written = edit.finish().read_as(model.choice());
  if (recipe.evaluation.empty()) return written;
  return with_evaluation(written, evaluation_from_json(recipe.evaluation));
}

}  // namespace nq
