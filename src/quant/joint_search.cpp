#include "quant/joint_search.hpp"

#include <algorithm>
#include <cmath>

#include "core/parallel.hpp"
#include "quant/quantizers.hpp"

namespace nq {
namespace {

constexpr double kCoarseRatio = 0.8;
constexpr int kCoarseScales = 28;  // down to 0.8^27 = 1/400 of the widest range
constexpr double kGiveUp = 1.3;    // the curve rises for good once it is this far above its best
constexpr int kFineScales = 3;     // on either side of the best coarse one
constexpr std::int64_t kChannelGrain = 16;

/// H_cc = sum_o W[c, o]^2.
std::vector<double> channel_weight(const SiteInput& site) {
  std::vector<double> weight(static_cast<std::size_t>(site.weight.rows));
  for (std::int64_t c = 0; c < site.weight.rows; ++c) {
    weight[static_cast<std::size_t>(c)] = as_eigen(site.weight).row(c).cast<double>().squaredNorm();
  }
  return weight;
}

class ScaleSweep {
 public:
  ScaleSweep(const SiteInput& site, const ChannelSamples& samples, const QuantParams& params)
      : samples_(samples),
        params_(params),
        channel_weight_(channel_weight(site)),
        outputs_(site.weight.cols),
        placement_(channel_weight_.size(), kAnyPlacement) {}

  JointChoice at(double scale) {
    AffineGrid grid = affine_grid(params_);
    grid.scale = sane_scale(scale);
    const auto channels = static_cast<std::size_t>(samples_.channels());
    JointChoice choice{grid.scale, std::vector<float>(channels, 0.0F), 0};
    std::vector<double> loss(channels, 0.0);
    parallel_for(0, samples_.channels(), kChannelGrain, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t channel = first; channel < last; ++channel) {
        const auto c = static_cast<std::size_t>(channel);
        if (!(channel_weight_[c] > 0)) continue;
        const OffsetChoice offset = best_offset(samples_, channel, grid, placement_[c]);
        choice.noisy_bias[c] = offset.offset;
        loss[c] = channel_weight_[c] * offset.variance;
      }
    });
    for (const double value : loss) choice.predicted += value;
    choice.predicted /= static_cast<double>(outputs_);
    return choice;
  }

 private:
  const ChannelSamples& samples_;
  QuantParams params_;
  std::vector<double> channel_weight_;
  std::int64_t outputs_;
  std::vector<int> placement_;  ///< best one of every channel at the last scale
};

double widest_range(const ChannelSamples& samples) {
  double widest = 0;
  for (std::int64_t c = 0; c < samples.channels(); ++c)
    widest = std::max(widest, samples.high(c) - samples.low(c));
  return widest;
}

bool better(const JointChoice& a, const JointChoice& b) { return a.predicted < b.predicted; }

}  // namespace

std::vector<JointChoice> joint_search(const SiteInput& site, const ChannelSamples& samples,
                                      const QuantParams& params, int keep) {
  ScaleSweep sweep(site, samples, params);
  const double largest = widest_range(samples) / static_cast<double>(params.qmax() - params.qmin());
  std::vector<JointChoice> choices;
  double best_scale = 0;
  double best = 0;
  double scale = largest;
  for (int i = 0; i < kCoarseScales; ++i, scale *= kCoarseRatio) {
    choices.push_back(sweep.at(scale));
    const double predicted = choices.back().predicted;
    if (i == 0 || predicted < best) {
      best = predicted;
      best_scale = scale;
    }
    if (predicted > kGiveUp * best) break;
  }
  const double fine_ratio = std::pow(kCoarseRatio, 1.0 / (kFineScales + 1));
  for (int i = 1; i <= kFineScales; ++i) {
    const double ratio = std::pow(fine_ratio, i);
    choices.push_back(sweep.at(best_scale * ratio));
    choices.push_back(sweep.at(best_scale / ratio));
  }
  std::stable_sort(choices.begin(), choices.end(), better);
  choices.resize(std::min(choices.size(), static_cast<std::size_t>(keep)));
  return choices;
}

}  // namespace nq
