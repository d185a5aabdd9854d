#pragma once

#include "nq/inspect.hpp"
#include "nq/typed_graph.hpp"
#include "pipeline/site_groups.hpp"

namespace nq {

/// What calibrating `groups` with the default options would take. Times one product of a fixed size on
/// this machine, which takes some milliseconds.
CalibrationEstimate estimate_calibration(const TypedGraph& typed, const std::vector<SiteGroup>& groups,
                                         std::size_t arena_bytes);

}  // namespace nq
