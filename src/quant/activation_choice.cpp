#include "quant/activation_choice.hpp"

#include <cmath>
#include <limits>

#include "quant/joint_search.hpp"
#include "quant/output_probe.hpp"
#include "quant/quantizers.hpp"
#include "quant/range_fit.hpp"
#include "quant/structure_search.hpp"

namespace nq {
namespace {

constexpr int kFinalists = 3;
// Ranges that are tried without a noisy bias, from the extremes downwards.
constexpr int kRanges = 24;
constexpr double kRangeRatio = 0.85;
// Ends are not searched apart when one of them is this small a part of the range.
constexpr double kOneSided = 0.125;
constexpr double kPaidGain = 0.85;  // the error must fall to this fraction for a noisy bias that costs an Add

/// Finalists of the joint search, at the bits and zero_point of `widest`.
std::vector<ActivationChoice> noisy_choices(const SiteInput& site, const QuantParams& widest) {
  std::vector<ActivationChoice> choices;
  for (JointChoice& found : joint_search(site, ChannelSamples(site), widest, kFinalists)) {
    choices.push_back({widest, std::move(found.noisy_bias)});
    choices.back().activation.scale[0] = found.scale;
  }
  return choices;
}

/// Smaller scales at the zero_point of `widest`.
std::vector<ActivationChoice> scaled_choices(const QuantParams& widest) {
  std::vector<ActivationChoice> choices;
  for (int i = 0; i < kRanges; ++i) {
    choices.push_back({widest, {}});
    choices.back().activation.scale[0] = sane_scale(std::pow(kRangeRatio, i) * static_cast<double>(widest.scale[0]));
  }
  return choices;
}

/// Smaller ranges with zero_points of their own: either end drawn in alone, and both.
std::vector<ActivationChoice> shifted_choices(const ValueRange& range, int bits) {
  const double width = range.high - range.low;
  std::vector<ActivationChoice> choices;
  const auto add = [&](double low, double high) { choices.push_back({asymmetric_activation(low, high, bits), {}}); };
  for (int i = 0; i < kRanges; ++i) {
    const double ratio = std::pow(kRangeRatio, i);
    const bool low_counts = -range.low > kOneSided * width;
    const bool high_counts = range.high > kOneSided * width;
    if (high_counts) add(range.low, ratio * range.high);
    if (low_counts) add(ratio * range.low, range.high);
    if (low_counts == high_counts) add(ratio * range.low, ratio * range.high);
  }
  return choices;
}

/// Keeps the choice of least error.
class Contest {
 public:
  explicit Contest(const OutputProbe& probe) : probe_(probe) {}

  void enter(std::vector<ActivationChoice> choices) {
    for (ActivationChoice& choice : choices) {
      const double error = probe_.evaluate(affine_grid(choice.activation), choice.noisy_bias).centred_error2;
      if (!(error < least_) && !best_.activation.scale.empty()) continue;
      least_ = error;
      best_ = std::move(choice);
    }
  }

  double least() const noexcept { return least_; }
  ActivationChoice take() { return std::move(best_); }

 private:
  const OutputProbe& probe_;
  ActivationChoice best_;
  double least_ = std::numeric_limits<double>::infinity();
};

}  // namespace

ActivationChoice choose_activation(const SiteInput& fitting, const SiteInput& held_out, const SiteFit& rounded,
                                   const MethodOptions& options) {
  OutputProbe probe(held_out, {.rows = held_out.rows.rows, .columns = 64});
  probe.set_weight(rounded);
  const bool shifts = options.activation == ActivationRange::automatic && !fitting.noise_folds;
  Contest plain(probe);
  plain.enter(shifts ? shifted_choices(extreme_range(fitting), options.activation_bits) : scaled_choices(rounded.activation));
  const int passes = rounded.channel_scale.empty() ? 1 : 2;  // the Add, and the Mul of scales that nothing takes up
  const bool affordable =
      fitting.noise_folds || float_share(fitting, rounded.outlier_channels.size(), passes) <= options.max_overhead;
  if (!options.best.noisy_bias || !affordable) return plain.take();
  Contest noisy(probe);
  noisy.enter(noisy_choices(fitting, rounded.activation));
  return noisy.least() < (shifts ? kPaidGain : 1.0) * plain.least() ? noisy.take() : plain.take();
}

}  // namespace nq
