#pragma once

#include <memory>
#include <vector>

#include "nq/method.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/output_probe.hpp"
#include "quant/prepared_site.hpp"
#include "quant/reparam.hpp"

namespace nq {

/// A fit under way together with what measures it.
struct HostFit {
  HostFit(const SiteInput& site, const MethodOptions& options);
  explicit HostFit(const SiteInput& site) : HostFit(site, {}) {}
  HostFit(const HostFit&) = delete;
  HostFit& operator=(const HostFit&) = delete;

  ReparamSite reparam;     ///< of MethodOptions::reparam
  const SiteInput& input;  ///< what is searched: the reparameterized site, or the site itself
  std::unique_ptr<const PreparedSite> measured;  ///< the rows that losses are measured on
  LossMeter meter;
  OutputProbe probe;  ///< holds the weights of `fit`
  SiteFit fit;
  std::vector<double> channel_mse;  ///< measured loss of `fit`, [c_out]

  void record(std::string stage);
  /// The fit for the site that was given.
  SiteFit result() const;
};

/// EasyQuant (Wu et al. 2020, section 3): from the extremes, `options.rounds` times the weight
/// scales for fixed activation scale, then the activation scale for fixed weight scales; stops
/// when a round lowers the loss by less than a thousandth.
void fit_easyquant(const MethodOptions& options, HostFit& host);

}  // namespace nq
