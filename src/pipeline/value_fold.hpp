#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/site_groups.hpp"

namespace nq {

/// The layer that computes the values of the attention which feeds a group (the output projection
/// of a block): column columns[c] of that layer's output becomes channel c of the group's input.
///
/// Attention is linear in its values, and its rows sum to 1. Dividing those columns of weight and
/// bias by a channel scale, and adding a noisy bias N to the bias, therefore changes the group's
/// input by exactly that (algorithm notes 13.6), at no run-time cost.
struct ValueFold {
  std::string origin;                 ///< LinearSite::origin of the layer
  std::vector<std::int32_t> columns;  ///< [c_in of the group], all different
};

/// Nothing unless the group's input is softmax(...) times values that only moves of whole columns
/// separate from one linear layer of `sites`, and nothing else reads those columns.
std::optional<ValueFold> find_value_fold(const TypedGraph& typed, const SiteGroup& group,
                                         const std::vector<LinearSite>& sites);

}  // namespace nq
