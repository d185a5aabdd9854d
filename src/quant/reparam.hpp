#pragma once

#include <memory>

#include "nq/method.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/prepared_site.hpp"

namespace nq {

/// A site whose input channels were brought closer together, as a host method sees it.
struct ReparamSite {
  std::unique_ptr<PreparedSite> prepared;  ///< input divided by the channel scale; null for none
  std::vector<float> channel_scale;        ///< [c_in] or empty
  std::vector<float> shift;                ///< added to the divided input, [c_in] or empty
};

/// RepQ-ViT (section 3.3): per channel the step d_c = range_c / (2^b - 1) and the zero point are
/// replaced by their common ones, r_c = d_c / mean(d), and a shift that brings every channel's
/// least value to the lowest code. Outlier Suppression (section 4.1): r_c = |gamma_c|. Both only
/// where a LayerNormalization takes them up (SiteInput::channel_gain).
ReparamSite reparameterize(const SiteInput& site, const MethodOptions& options);

/// Token-wise clipping of Outlier Suppression (section 4.2, coarse stage): the activation range is
/// cut at the quantile rho of the tokens' extremes, rho by the measured output error, from `fit`'s
/// own range downwards.
void clip_tokens(const SiteInput& site, const LossMeter& meter, SiteFit& fit, std::vector<double>& channel_mse);

}  // namespace nq
