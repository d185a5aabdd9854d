#pragma once

#include <vector>

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

  /// The best of `present` and `ratios` times `present` for the weight row w [c_in]: ranked with
  /// G ~ factor factor^T + diag, the best few with G itself.
  float best_scale(const Eigen::RowVectorXf& w, float present, const std::vector<double>& ratios,
                   const QuantParams& params) const;

 private:
  Eigen::ArrayXf score(const Eigen::RowVectorXf& w, const RowMatrix& candidates, bool exact) const;
  Eigen::ArrayXf difference_loss(const RowMatrix& difference, bool exact) const;
  Eigen::ArrayXf negative_cosine(const Eigen::RowVectorXf& w, const RowMatrix& difference,
                                 const Eigen::ArrayXf& loss) const;

  const RowMatrix& gram_;
  FactoredGram factored_;
  ErrorMoments moments_;
  Objective objective_;
};

}  // namespace nq
