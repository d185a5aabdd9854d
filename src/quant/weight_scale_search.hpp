#pragma once

#include "nq/method.hpp"
#include "quant/dense.hpp"
#include "quant/emitted_layer.hpp"

namespace nq {

/// EasyQuant's weight step: for every output channel the best of `options.candidates` scales in
/// [alpha, beta] times the present one, for the activation quantizer that `fit` holds.
///
/// With d = w - w_hat the loss of one output is d G d^T - 2 sum_i d_i w_hat_i E[x_i e_i] +
/// sum_i w_hat_i^2 E[e_i^2], where e is the activation's quantization error and cross-channel
/// moments of e are left out. Candidates are ranked with G ~ factor factor^T + diag, the best few
/// with G itself; a channel changes only where its measured output error falls.
class WeightScaleSearch {
 public:
  WeightScaleSearch(const SiteInput& site, const MethodOptions& options);

  /// Updates scales and codes of `fit`; `channel_mse` is the measured loss of `fit` before and
  /// after, [c_out].
  void improve(const LossMeter& meter, SiteFit& fit, std::vector<double>& channel_mse) const;

 private:
  std::vector<float> proposed_scales(const SiteFit& fit) const;

  const SiteInput& site_;
  const MethodOptions& options_;
  RowMatrix weight_rows_;  ///< W^T, [c_out, c_in]
  RowMatrix gram_;         ///< of the FP32 input, [c_in, c_in]
};

}  // namespace nq
