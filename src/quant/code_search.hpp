#pragma once

#include <cstdint>
#include <vector>

#include "nq/quant_params.hpp"
#include "quant/dense.hpp"

namespace nq {

/// Integer weights chosen for the layer's output instead of one by one: minimizes
/// sum_o d_o H d_o^T with d = w - s z over integer codes z, H the damped second moments of the
/// layer input.
///
/// Rows of all matrices are input channels, columns output channels.
class CodeSearch {
 public:
  /// H = gram + damping * mean(diag gram) * I, which keeps the minimizer near W in directions
  /// that the samples do not show. Channels are quantized in falling order of H_cc.
  explicit CodeSearch(const RowMatrix& gram);

  /// Successive rounding with error feedback (GPTQ's order and update, from H = L D L^T instead
  /// of the inverse): each channel absorbs the errors of those before it.
  RowMatrix round_with_feedback(const RowMatrix& weight, const QuantParams& params) const;

  /// Coordinate descent on the codes: `sweeps` passes in which every code takes the best integer
  /// for all others fixed, then the scale of every output its least-squares value
  /// (w H z) / (z H z). Never raises the objective.
  void descend(const RowMatrix& weight, RowMatrix& codes, QuantParams& params, int sweeps) const;

  /// d_o H d_o^T per output channel.
  std::vector<double> losses(const RowMatrix& weight, const RowMatrix& codes,
                             const QuantParams& params) const;

 private:
  RowMatrix damped_;                 ///< H, in channel order
  std::vector<Eigen::Index> order_;  ///< channel at each position; the last position goes first
  RowMatrix lower_;                  ///< unit lower L of H in positions
};

}  // namespace nq
