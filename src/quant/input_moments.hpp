#pragma once

#include "nq/method.hpp"
#include "quant/dense.hpp"

namespace nq {

/// Rows of a site's input before and after its quantizer, means taken away (the bias correction
/// absorbs them) and multiplied by the square root of the row weight: sums over rows are weighted.
struct CentredRows {
  RowMatrix quantized;  ///< v = fake_quant(x + N) - N, [rows, c_in]
  RowMatrix error;      ///< x - v, [rows, c_in]
  double total_weight = 0;
};
CentredRows centred_rows(const SiteInput& site, const SiteFit& fit);

/// E[v v^T], [c_in, c_in]: second moments of the quantized input, which is what the weights meet.
RowMatrix quantized_gram(const CentredRows& rows);

/// The same over two sets of rows, each with its own mean, from that of the first, whose row weights sum to `total_weight`.
RowMatrix pooled_gram(const RowMatrix& gram, double total_weight, const CentredRows& more);

/// E[v (x - v)^T] W, [c_in, c_out]: where the least-squares weight for the quantized input is pulled.
RowMatrix weight_pull(const CentredRows& rows, const RowMatrix& weight);

/// What that weight needs.
struct InputMoments {
  const RowMatrix& gram;  ///< quantized_gram()
  RowMatrix pull;         ///< weight_pull()
};

}  // namespace nq
