#pragma once

#include <vector>

#include "nq/method.hpp"

namespace nq {

/// The correction that makes the mean output error over the site's rows zero, [c_out]:
/// W^T E[x] - Wq^T (E[fake_quant(x + N)] - N), since the error is linear in the means.
/// `site` is in the form that the product sees (see PreparedSite), `fit` holds its codes and N.
std::vector<float> mean_correction(const SiteInput& site, const SiteFit& fit);

}  // namespace nq
