#pragma once

#include "nq/linear_site.hpp"
#include "nq/recipe.hpp"

namespace nq {

/// The noisy bias as the file carries it, [c_in]: zero in the outlier channels, which the product
/// multiplies by zero. Empty when the recipe has none.
std::vector<float> emitted_noise(const SiteRecipe& recipe);

/// The SiteFit of one site of a recipe, its weight codes derived where the recipe leaves them out
/// and its noisy bias as emitted.
SiteFit site_fit(const LinearSite& site, const SiteRecipe& recipe);

/// The entries of a group's fit that belong to `site`, whose outputs begin at `first_out` of the
/// group's concatenated outputs.
SiteRecipe site_recipe(const LinearSite& site, const SiteFit& group_fit, std::int64_t first_out,
                       std::int64_t group_out, int group);

}  // namespace nq
