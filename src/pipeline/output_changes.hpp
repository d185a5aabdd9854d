#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "nq/quantize.hpp"
#include "pipeline/site_groups.hpp"

namespace nq {

/// A group with the recipes of its sites, in the same order.
struct BoundGroup {
  SiteGroup group;
  std::vector<const SiteRecipe*> recipes;
};

/// A layer writes y / scale + shift instead of y, [c_out] each.
struct OutputChange {
  std::vector<float> scale;
  std::vector<float> shift;
};

/// What groups fed by attention ask of the layers that compute its values (ValueFold).
struct OutputChanges {
  std::map<std::string, OutputChange> by_origin;  ///< keyed by the layer that changes
  std::set<std::string> served;                   ///< leaders of the groups that need nothing more

  const OutputChange* of(const std::string& origin) const;
};

/// The changes that carry the channel scales, and with EmitOptions::fold_noise the noisy biases, of
/// all groups that no AffineFold serves and whose values a quantized layer computes.
OutputChanges find_output_changes(const TypedGraph& typed, const std::vector<BoundGroup>& groups,
                                  const EmitOptions& options);

}  // namespace nq
