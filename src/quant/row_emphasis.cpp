#include "quant/row_emphasis.hpp"

namespace nq {
namespace {

// Least share of the total weight: where attention follows, other tokens matter through it.
constexpr double kReadoutShare = 0.3;
constexpr double kReadoutOnlyShare = 0.7;

}  // namespace

std::vector<float> emphasized_weights(const SiteInput& site) {
  std::vector<float> weights(site.row_weight.begin(), site.row_weight.end());
  if (site.readout.empty()) return weights;
  double read = 0;
  double other = 0;
  for (std::size_t row = 0; row < weights.size(); ++row) {
    (site.readout[row] != 0 ? read : other) += static_cast<double>(weights[row]);
  }
  const double wanted_share = site.readout_only ? kReadoutOnlyShare : kReadoutShare;
  const double wanted = other * wanted_share / (1.0 - wanted_share);
  if (!(read > 0) || !(read < wanted)) return weights;
  const auto factor = static_cast<float>(wanted / read);
  for (std::size_t row = 0; row < weights.size(); ++row) {
    if (site.readout[row] != 0) weights[row] *= factor;
  }
  return weights;
}

}  // namespace nq
