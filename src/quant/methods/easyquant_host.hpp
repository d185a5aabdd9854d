#pragma once

#include <memory>
#include <vector>

#include "nq/method.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/output_probe.hpp"
#include "quant/prepared_site.hpp"

namespace nq {

/// A fit under way together with what measures it.
struct HostFit {
  explicit HostFit(const SiteInput& site);
  std::unique_ptr<const PreparedSite> measured;  ///< the rows that losses are measured on
  LossMeter meter;
  OutputProbe probe;  ///< holds the weights of `fit`
  SiteFit fit;
  std::vector<double> channel_mse;  ///< measured loss of `fit`, [c_out]

  void record(std::string stage);
};

/// EasyQuant (Wu et al. 2020, section 3): from the extremes, `options.rounds` times the weight
/// scales for fixed activation scale, then the activation scale for fixed weight scales; stops
/// when a round lowers the loss by less than a thousandth.
HostFit fit_easyquant(const SiteInput& site, const MethodOptions& options);

}  // namespace nq
