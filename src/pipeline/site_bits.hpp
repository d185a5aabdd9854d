#pragma once

#include <vector>

#include "nq/calibrate.hpp"
#include "pipeline/site_groups.hpp"

namespace nq {

/// Options of every group with the bits that the rules give it, in the order of the groups; gives the selected
/// attention products theirs.
///
/// Throws Error(usage) for bits outside 2..8, a rule that matches no layer or product, an invalid regex, and
/// layers of one group (which share a quantizer) that get different bits.
std::vector<MethodOptions> apply_bits(const std::vector<SiteGroup>& groups, std::vector<SelectedAttention>& attention,
                                      const CalibrationOptions& options);

/// The rules as parse_bits_rules() reads them.
std::string bits_rules_text(const std::vector<BitsRule>& rules);

}  // namespace nq
