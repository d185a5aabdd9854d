#include "quant/activation_search.hpp"

#include "quant/candidate_search.hpp"
#include "quant/quantizers.hpp"

namespace nq {
namespace {

constexpr int kStep = 8;
constexpr int kFinalists = 2;

}  // namespace

double candidate_ratio(const MethodOptions& options, int index) noexcept {
  if (options.candidates == 1) return options.beta;
  return options.alpha + (options.beta - options.alpha) * index / (options.candidates - 1);
}

double objective_score(const ProbeSums& sums, Objective objective) noexcept {
  return objective == Objective::mse ? sums.error2 : -sums.cosine();
}

void improve_activation_scale(const LossMeter& meter, const OutputProbe& probe, const MethodOptions& options,
                              SiteFit& fit, std::vector<double>& channel_mse) {
  const float present = fit.activation.scale[0];
  const auto scale_of = [&](int index) {
    return sane_scale(static_cast<double>(present) * candidate_ratio(options, index));
  };
  const std::vector<int> best = best_candidates(options.candidates, kStep, kFinalists, [&](int index) {
    AffineGrid grid = affine_grid(fit.activation);
    grid.scale = scale_of(index);
    return objective_score(probe.evaluate(grid, fit.noisy_bias), options.objective);
  });
  for (const int index : best) {
    SiteFit trial = fit;
    trial.activation.scale[0] = scale_of(index);
    if (!take_if_better(meter, std::move(trial), fit, channel_mse)) continue;
    // Under the cosine objective the order of the probe decides among those that are no worse.
    if (options.objective == Objective::cosine) break;
  }
}

}  // namespace nq
