#pragma once

#include <vector>

#include "nq/calibrate.hpp"
#include "pipeline/site_groups.hpp"
#include "pipeline/site_observer.hpp"

namespace nq {

/// What the graph says of a group's input.
struct SiteContext {
  bool channel_scale_allowed = false;    ///< SiteInput::channel_scale_allowed
  bool noise_folds = true;               ///< SiteInput::noise_folds
  bool readout_only = false;             ///< SiteInput::readout_only
  std::vector<float> channel_gain = {};  ///< SiteInput::channel_gain
};

/// Runs a method on one group: concatenates the weights of its sites along c_out, fits, and splits
/// the result into one recipe per site. Pure; safe to call from several threads.
std::vector<SiteRecipe> fit_group(const SiteGroup& group, int group_index, const SiteStatistics& statistics,
                                  const SiteContext& context, const Method& method,
                                  const MethodOptions& options);

}  // namespace nq
