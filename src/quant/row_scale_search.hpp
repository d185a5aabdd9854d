#pragma once

#include <span>
#include <vector>

#include "kernels/gemm.hpp"
#include "nq/method.hpp"
#include "quant/dense.hpp"
#include "quant/gram.hpp"

namespace nq {

/// Per-channel moments of an activation's quantization error e = v - x, [c_in] each; empty for
/// an exact activation.
struct ErrorMoments {
  Eigen::ArrayXf input_error;  ///< E[x e]
  Eigen::ArrayXf error2;       ///< E[e^2]
};

/// Scores weight scales of one output channel from second moments of the layer input alone, so
/// that a candidate costs the same for any number of tokens.
///
/// With d = w - w_hat the loss of one output is d G d^T - 2 sum_i d_i w_hat_i E[x_i e_i] +
/// sum_i w_hat_i^2 E[e_i^2]; cross-channel moments of e are left out.
class RowScaleSearch {
 public:
  /// `gram` [c_in, c_in] must outlive the object.
  RowScaleSearch(const RowMatrix& gram, ErrorMoments moments, Objective objective);

  /// Replaces each of `scales` [outputs] by the best of itself and `ratios` times itself for its row of
  /// `weights` [outputs, c_in]: ranked with G ~ factor factor^T + diag, the best few with G itself.
  void improve_scales(const RowMatrix& weights, std::span<float> scales, const std::vector<double>& ratios,
                      const QuantParams& params) const;

 private:
  Eigen::ArrayXf coarse_scores(const Eigen::RowVectorXf& w, std::span<const float> scales, const QuantParams& params) const;
  std::vector<float> finalists(const Eigen::RowVectorXf& w, float present, const std::vector<double>& ratios,
                               const QuantParams& params) const;
  Eigen::ArrayXf negative_cosine(const Eigen::RowVectorXf& w, const RowMatrix& difference,
                                 const Eigen::ArrayXf& loss) const;

  const RowMatrix& gram_;
  kernels::PackedMatrix packed_gram_;
  FactoredGram factored_;
  kernels::PackedMatrix packed_factor_;
  Eigen::ArrayXf nothing_;  ///< zeros, [c_in]
  ErrorMoments moments_;
  Objective objective_;
};

}  // namespace nq
