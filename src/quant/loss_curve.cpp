#include "quant/loss_curve.hpp"

#include <functional>
#include <numeric>

#include "core/parallel.hpp"
#include "quant/output_probe.hpp"
#include "quant/prepared_site.hpp"

namespace nq {
namespace {

constexpr std::int64_t kProbedRows = 512;
// Multiples of the chosen value: the range in which EasyQuant searches around its start, and some more.
constexpr double kScaleFrom = 0.4;
constexpr double kScaleTo = 1.6;
constexpr int kScaleSteps = 48;
constexpr double kNoiseTo = 2.0;
constexpr int kNoiseSteps = 40;

using Score = std::function<ProbeSums(double ratio)>;

/// Measures and writes down a curve.
class Tracer {
 public:
  Tracer(const OutputProbe& probe, std::int64_t c_out, bool centred) : centred_(centred) {
    const auto weights = probe.row_weight();
    values_ = std::accumulate(weights.begin(), weights.end(), 0.0) * static_cast<double>(c_out);
  }

  LossCurve trace(std::string parameter, double chosen, double from, double to, int steps, const Score& score) const {
    LossCurve curve;
    curve.parameter = std::move(parameter);
    curve.chosen = chosen;
    curve.mse.resize(static_cast<std::size_t>(steps) + 1);
    for (int k = 0; k <= steps; ++k) curve.ratio.push_back(from + (to - from) * k / steps);
    parallel_for(0, steps + 1, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t k = first; k < last; ++k) {
        const ProbeSums sums = score(curve.ratio[static_cast<std::size_t>(k)]);
        curve.mse[static_cast<std::size_t>(k)] = (centred_ ? sums.centred_error2 : sums.error2) / values_;
      }
    });
    return curve;
  }

 private:
  bool centred_;
  double values_ = 0;
};

}  // namespace

std::vector<LossCurve> loss_curves(const SiteInput& input, const SiteFit& fit) {
  const PreparedSite prepared(input, RowSet::all, kProbedRows, fit.channel_scale, fit.outlier_channels);
  OutputProbe probe(prepared.input(), {});
  probe.set_weight(fit);
  const Tracer tracer(probe, input.weight.cols, !fit.bias_correction.empty());

  const AffineGrid chosen = affine_grid(fit.activation);
  std::vector<LossCurve> curves;
  curves.push_back(tracer.trace("activation scale", static_cast<double>(chosen.scale), kScaleFrom, kScaleTo, kScaleSteps,
                                [&](double ratio) {
                                  AffineGrid grid = chosen;
                                  grid.scale = static_cast<float>(static_cast<double>(chosen.scale) * ratio);
                                  return probe.evaluate(grid, fit.noisy_bias);
                                }));
  if (fit.noisy_bias.empty()) return curves;
  curves.push_back(tracer.trace("noisy bias", fit.noise_amplitude, 0, kNoiseTo, kNoiseSteps, [&](double ratio) {
    std::vector<float> noise = fit.noisy_bias;
    for (float& value : noise) value = static_cast<float>(ratio * static_cast<double>(value));
    return probe.evaluate(chosen, noise);
  }));
  return curves;
}

}  // namespace nq
