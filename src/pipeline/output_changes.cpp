#include "pipeline/output_changes.hpp"

#include "pipeline/affine_fold.hpp"
#include "pipeline/site_fit.hpp"
#include "pipeline/value_fold.hpp"

namespace nq {
namespace {

bool served_by_norm(const TypedGraph& typed, const SiteGroup& group, bool needs_scale) {
  const auto fold = find_affine_fold(typed, group);
  return fold && (!needs_scale || !fold->scale_origin.empty());
}

OutputChange unchanged(std::int64_t c_out) {
  return {std::vector<float>(static_cast<std::size_t>(c_out), 1.0F), std::vector<float>(static_cast<std::size_t>(c_out), 0.0F)};
}

/// What the recipe itself asks of its layers, for quantized products of attention.
void take_from_recipe(const BoundGroup& bound, OutputChanges& changes) {
  for (const SiteRecipe* recipe : bound.recipes) {
    if (recipe->output_scale.empty() && recipe->output_shift.empty()) continue;
    OutputChange& change = changes.by_origin.try_emplace(recipe->origin, unchanged(recipe->c_out)).first->second;
    if (!recipe->output_scale.empty()) change.scale = recipe->output_scale;
    if (!recipe->output_shift.empty()) change.shift = recipe->output_shift;
  }
}

}  // namespace

const OutputChange* OutputChanges::of(const std::string& origin) const {
  const auto it = by_origin.find(origin);
  return it == by_origin.end() ? nullptr : &it->second;
}

OutputChanges find_output_changes(const TypedGraph& typed, const std::vector<BoundGroup>& groups,
                                  const EmitOptions& options) {
  std::vector<LinearSite> sites;
  for (const BoundGroup& bound : groups) sites.insert(sites.end(), bound.group.sites.begin(), bound.group.sites.end());
  OutputChanges changes;
  for (const BoundGroup& bound : groups) take_from_recipe(bound, changes);
  for (const BoundGroup& bound : groups) {
    const SiteRecipe& recipe = *bound.recipes.front();
    const std::vector<float> noise = emitted_noise(recipe);
    const bool needs_scale = !recipe.channel_scale.empty();
    if (!needs_scale && (noise.empty() || !options.fold_noise)) continue;
    if (served_by_norm(typed, bound.group, needs_scale)) continue;
    const auto fold = find_value_fold(typed, bound.group, sites);
    if (!fold) continue;
    const auto site = std::find_if(sites.begin(), sites.end(),
                                   [&](const LinearSite& candidate) { return candidate.origin == fold->origin; });
    OutputChange& change = changes.by_origin.try_emplace(fold->origin, unchanged(site->c_out)).first->second;
    for (std::size_t channel = 0; channel < fold->columns.size(); ++channel) {
      const auto column = static_cast<std::size_t>(fold->columns[channel]);
      if (needs_scale) change.scale[column] = recipe.channel_scale[channel];
      if (!noise.empty()) change.shift[column] = noise[channel];
    }
    changes.served.insert(bound.group.leader().origin);
  }
  return changes;
}

}  // namespace nq
