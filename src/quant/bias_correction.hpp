#pragma once

#include <vector>

#include "nq/method.hpp"
#include "quant/affine_grid.hpp"

namespace nq {

/// Weighted means of a site's rows, [c_in] each, and the quantizer that they belong to.
struct InputMeans {
  AffineGrid grid;
  std::vector<float> noisy_bias;
  std::vector<double> value;  ///< of x
  std::vector<double> error;  ///< of fake_quant(x + N) - N - x
};

InputMeans input_means(const SiteInput& site, const SiteFit& fit);

/// The correction that makes the mean output error over the site's rows zero, [c_out]:
/// W^T E[x] - Wq^T (E[fake_quant(x + N)] - N), since the error is linear in the means.
/// `site` is in the form that the product sees (see PreparedSite), `fit` holds its codes, and `means` are those of its quantizer.
std::vector<float> mean_correction(const SiteInput& site, const InputMeans& means, const SiteFit& fit);

}  // namespace nq
