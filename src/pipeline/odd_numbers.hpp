#pragma once

#include <string>
#include <vector>

#include "pipeline/site_groups.hpp"
#include "pipeline/site_observer.hpp"

namespace nq {

/// What is odd about the numbers of a group of layers, for a warning each: weights or inputs that are all zero, all alike,
/// too small for a normal scale, or dwarfed by one of them. The layers are quantized all the same: zero stays zero, a
/// constant is hit exactly or to half a step, scales are kept at the least normal number, and an outlier keeps its value
/// at the cost of the others.
std::vector<std::string> odd_numbers(const SiteGroup& group, const SiteObserver::Totals& totals);

}  // namespace nq
