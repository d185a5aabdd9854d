#pragma once

#include "nq/linear_site.hpp"
#include "nq/recipe.hpp"

namespace nq {

/// The SiteFit of one site of a recipe, its weight codes derived where the recipe leaves them out.
/// The noisy bias of outlier channels, which the product multiplies by zero, is set to zero.
SiteFit site_fit(const LinearSite& site, const SiteRecipe& recipe);

/// The entries of a group's fit that belong to `site`, whose outputs begin at `first_out` of the
/// group's concatenated outputs.
SiteRecipe site_recipe(const LinearSite& site, const SiteFit& group_fit, std::int64_t first_out,
                       std::int64_t group_out, int group);

}  // namespace nq
