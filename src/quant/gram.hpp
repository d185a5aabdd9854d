#pragma once

#include <span>

#include "quant/dense.hpp"

namespace nq {

/// Second moments of token rows, G = sum_r w_r x_r x_r^T / sum_r w_r, [c, c] symmetric.
/// Row weights may be empty for all 1.
RowMatrix gram_matrix(const MatrixView& rows, std::span<const float> row_weight);

/// G as a sum of `rank` outer products and a diagonal: G ~ factor factor^T + diag(rest).
struct FactoredGram {
  RowMatrix factor;      ///< [c, rank]
  Eigen::VectorXf rest;  ///< [c], not negative; makes the diagonal exact
};

/// Partial Cholesky factorization with diagonal pivoting: takes the largest remaining diagonal
/// entry first and leaves what it cannot explain on the diagonal.
FactoredGram factor_gram(const RowMatrix& gram, Eigen::Index rank);

}  // namespace nq
