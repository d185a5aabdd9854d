#pragma once

#include "quant/dense.hpp"
#include "quant/input_moments.hpp"

namespace nq {

/// Weight that makes up for the activation's quantization error in the least-squares sense:
/// minimizes E|x W - v W*|^2 + lambda |W* - W|^2, so
/// W* = W + (E[v v^T] + lambda I)^-1 E[v (x - v)^T] W.
///
/// `fitting` are the moments for `weight`. The ridge is centred at W. lambda is chosen among fixed fractions of the mean of diag E[v v^T],
/// and infinity (W itself), by the error on held-out rows.
RowMatrix compensated_weight(const RowMatrix& weight, const InputMoments& fitting,
                             const CentredRows& held_out);

}  // namespace nq
