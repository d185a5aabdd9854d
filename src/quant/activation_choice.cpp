#include "quant/activation_choice.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
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
constexpr double kGiveUp = 1.5;  // the error rises for good once it is this far above the least of smaller steps
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

/// Choices by the share of the whole range that they keep.
using Narrowing = std::function<ActivationChoice(double share)>;

/// Smaller scales at the zero_point of `widest`.
Narrowing scaled_choices(const QuantParams& widest) {
  return [widest](double share) {
    ActivationChoice choice{widest, {}};
    choice.activation.scale[0] = sane_scale(share * static_cast<double>(widest.scale[0]));
    return choice;
  };
}

/// Smaller ranges with zero_points of their own: either end drawn in alone, and both.
std::vector<Narrowing> shifted_choices(const ValueRange& range, int bits) {
  const double width = range.high - range.low;
  const bool low_counts = -range.low > kOneSided * width;
  const bool high_counts = range.high > kOneSided * width;
  const auto drawn_in = [=](bool low, bool high) -> Narrowing {
    return [=](double share) -> ActivationChoice {
      return {asymmetric_activation((low ? share : 1.0) * range.low, (high ? share : 1.0) * range.high, bits), {}};
    };
  };
  std::vector<Narrowing> narrowings;
  if (high_counts) narrowings.push_back(drawn_in(false, true));
  if (low_counts) narrowings.push_back(drawn_in(true, false));
  if (low_counts == high_counts) narrowings.push_back(drawn_in(true, true));
  return narrowings;
}

/// Keeps the choice of least error.
class Contest {
 public:
  explicit Contest(const OutputProbe& probe) : probe_(probe) {}

  /// Returns the error of the choice.
  double enter(ActivationChoice choice) {
    const double error = probe_.evaluate(affine_grid(choice.activation), choice.noisy_bias).centred_error2;
    if (error < least_ || best_.activation.scale.empty()) {
      least_ = error;
      best_ = std::move(choice);
    }
    return error;
  }

  /// From the whole range downwards, until clipping costs more than finer steps can bring back.
  void enter_all(const Narrowing& narrowing) {
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < kRanges; ++i) {
      const double error = enter(narrowing(std::pow(kRangeRatio, i)));
      if (error > kGiveUp * least) break;
      least = std::min(least, error);
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
  const std::vector<Narrowing> narrowings = shifts ? shifted_choices(extreme_range(fitting), options.activation_bits)
                                                   : std::vector{scaled_choices(rounded.activation)};
  for (const Narrowing& narrowing : narrowings) plain.enter_all(narrowing);
  const int passes = rounded.channel_scale.empty() ? 1 : 2;  // the Add, and the Mul of scales that nothing takes up
  const bool affordable =
      fitting.noise_folds || float_share(fitting, rounded.outlier_channels.size(), passes) <= options.max_overhead;
  if (!options.best.noisy_bias || !affordable) return plain.take();
  Contest noisy(probe);
  for (ActivationChoice& choice : noisy_choices(fitting, rounded.activation)) noisy.enter(std::move(choice));
  return noisy.least() < (shifts ? kPaidGain : 1.0) * plain.least() ? noisy.take() : plain.take();
}

}  // namespace nq
