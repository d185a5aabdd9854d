#pragma once

#include <vector>

#include "nq/method.hpp"
#include "quant/dense.hpp"
#include "quant/emitted_layer.hpp"

namespace nq {

/// EasyQuant's weight step: for every output channel the best of `options.candidates` scales in
/// [alpha, beta] times the present one, for the activation quantizer that `fit` holds. Ranked by
/// RowScaleSearch; a channel changes only where its measured output error falls.
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
