#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/gemm.hpp"
#include "nq/method.hpp"
#include "quant/affine_grid.hpp"
#include "quant/dense.hpp"

namespace nq {

/// Sums over the probed tokens and output directions; o is the FP32 output, q the quantized one.
struct ProbeSums {
  double error2 = 0;  ///< sum (q - o)^2
  /// error2 after the mean error of each direction is taken away: what is left once a bias
  /// correction is applied.
  double centred_error2 = 0;
  double reference2 = 0;  ///< sum o^2
  double cross = 0;       ///< sum o q
  double output2 = 0;     ///< sum q^2

  double cosine() const noexcept;
};

/// Ranks quantizer candidates of one site by their output error at a fraction of its cost.
///
/// Uses evenly spaced sample rows, and instead of c_out outputs their products with a fixed
/// random sign matrix S [c_out, columns] / sqrt(columns): E|e Wq S|^2 = |e Wq|^2, and all
/// candidates share S, so that most of the sketch's noise cancels in comparisons. Exact on the
/// chosen rows when c_out is at most `columns` (S is then the identity). What a probe ranks first
/// is checked with LossMeter before it is used.
class OutputProbe {
 public:
  struct Size {
    std::int64_t rows = 1024;
    std::int64_t columns = 32;
  };
  OutputProbe(const SiteInput& site, Size size);

  /// Takes the weight codes and scales of `fit`.
  void set_weight(const SiteFit& fit);

  /// Error of quantizing with `grid` after adding `noise` ([c_in], or empty for none), the noise
  /// taken back exactly.
  ProbeSums evaluate(const AffineGrid& grid, std::span<const float> noise) const;

  const RowMatrix& rows() const noexcept { return rows_; }
  std::span<const float> row_weight() const noexcept { return row_weight_; }

 private:
  RowMatrix project(const RowMatrix& matrix) const;

  RowMatrix rows_;                 ///< [probed rows, c_in]
  std::vector<float> row_weight_;  ///< [probed rows]
  RowMatrix sketch_;               ///< [c_out, columns]; empty for the identity
  Eigen::RowVectorXf bias_;        ///< B S
  RowMatrix reference_;            ///< (X W + B) S
  kernels::PackedMatrix weight_;   ///< Wq S, [c_in, columns]
};

}  // namespace nq
