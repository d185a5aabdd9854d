#pragma once

#include <vector>

#include "nq/method.hpp"

namespace nq {

/// The loss of a layer over its activation scale, and over the size of its noisy bias where it has one: the values by
/// which the searches rank their candidates (OutputProbe), on the rows of `input`.
std::vector<LossCurve> loss_curves(const SiteInput& input, const SiteFit& fit);

}  // namespace nq
