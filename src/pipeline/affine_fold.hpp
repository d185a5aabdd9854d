#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/site_groups.hpp"

namespace nq {

/// The constant scale and shift per channel that end what feeds a group, when nothing else reads
/// their result: gamma and beta of a LayerNormalization, or the Mul and Add that play their part.
///
/// Changing the shift by N, or dividing both by a channel scale, then changes the group's input
/// by exactly that (algorithm notes 13.6) and costs nothing at run time.
struct AffineFold {
  std::string shift_origin;  ///< node that holds the shift
  int shift_input = -1;
  std::vector<float> shift;  ///< [c_in]
  std::string scale_origin;  ///< node that holds the scale; empty when there is none to change
  int scale_input = -1;
  std::vector<float> scale;  ///< [c_in]
};

/// Nothing when the group's input has another reader, is a graph output, or is not affine.
std::optional<AffineFold> find_affine_fold(const TypedGraph& typed, const SiteGroup& group);

}  // namespace nq
