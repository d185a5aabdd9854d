#pragma once

#include <vector>

#include "nq/calibrate.hpp"
#include "pipeline/site_groups.hpp"

namespace nq {

/// Options of every group with the bits that the rules give it, in the order of the groups.
///
/// Throws Error(usage) for bits outside 2..8, a rule that matches no layer, an invalid regex, and
/// layers of one group (which share a quantizer) that get different bits.
std::vector<MethodOptions> group_options(const std::vector<SiteGroup>& groups, const CalibrationOptions& options);

/// The rules as parse_bits_rules() reads them.
std::string bits_rules_text(const std::vector<BitsRule>& rules);

}  // namespace nq
