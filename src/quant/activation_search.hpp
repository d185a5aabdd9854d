#pragma once

#include "nq/method.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/output_probe.hpp"

namespace nq {

/// Ratio `index` of the scale candidates: alpha to beta in equal steps.
double candidate_ratio(const MethodOptions& options, int index) noexcept;

/// Score of probe sums under an objective; smaller is better.
double objective_score(const ProbeSums& sums, Objective objective) noexcept;

/// EasyQuant's activation step: the best of `options.candidates` scales in [alpha, beta] times the
/// present one for the weight codes and noisy bias of `fit`; the zero point stays. Ranked by
/// `probe`, decided by `meter`; the present scale stays unless the measured loss falls.
/// `channel_mse` is the measured loss of `fit` before and after, [c_out].
void improve_activation_scale(const LossMeter& meter, const OutputProbe& probe, const MethodOptions& options,
                              SiteFit& fit, std::vector<double>& channel_mse);

}  // namespace nq
