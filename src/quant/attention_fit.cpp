#include "quant/attention_fit.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/rng.hpp"
#include "quant/activation_search.hpp"
#include "quant/attention_meter.hpp"
#include "quant/candidate_search.hpp"
#include "quant/quantizers.hpp"

namespace nq {
namespace {

constexpr int kStep = 4;
constexpr double kLargestSteps = 8.0;  ///< of a drawn key shift, in key scales
/// Probabilities are small and heavy-tailed: their scales fall to 2^-8 of the largest in eighths of
/// an octave.
constexpr int kProbabilityScales = 65;
/// Exponents (t, u) of the channel scale a = |q|^t / |k|^u.
constexpr double kExponents[][2] = {{0.25, 0.25}, {0.5, 0.5}, {0.75, 0.75}, {0.5, 0.0},
                                    {1.0, 0.0},   {0.0, 0.5}, {0.0, 1.0}};

struct Range {
  double low = 0, high = 0;
};

Range whole(const ChannelRange& range) {
  return {static_cast<double>(*std::min_element(range.low.begin(), range.low.end())),
          static_cast<double>(*std::max_element(range.high.begin(), range.high.end()))};
}

/// The value below which `fraction` of the values lie.
double quantile(std::vector<float> values, double fraction) {
  const double at = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::lround(at));
  std::nth_element(values.begin(), nth, values.end());
  return static_cast<double>(*nth);
}

QuantParams percentile_params(const std::vector<float>& values, int bits, const MethodOptions& options) {
  const double fraction = options.percentile / 100.0;
  if (!options.symmetric()) {
    return asymmetric_activation(quantile(values, 1.0 - fraction), quantile(values, fraction), bits);
  }
  std::vector<float> magnitudes = values;
  for (float& value : magnitudes) value = std::fabs(value);
  return symmetric_activation(quantile(std::move(magnitudes), fraction), bits);
}

class AttentionSearch {
 public:
  AttentionSearch(const AttentionSamples& samples, const AttentionFreedom& freedom, const AttentionBits& bits,
                  const MethodOptions& options, const std::string& name)
      : samples_(samples), freedom_(freedom), bits_(bits), options_(options), name_(name), meter_(samples) {}

  AttentionFit run(ProductStrategy strategy) {
    start();
    if (strategy == ProductStrategy::percentile) clip_at_percentile();
    if (strategy == ProductStrategy::scale || strategy == ProductStrategy::noise) search_scales();
    if (strategy == ProductStrategy::noise && freedom_.key_shift) search_key_noise();
    if (strategy == ProductStrategy::best) search_best();
    return std::move(fit_);
  }

 private:
  void start() {
    set_operands({}, {});
    fit_.q = range_params(q_range(), bits_.scores);
    fit_.k = range_params(k_range(), bits_.scores);
    fit_.v = range_params(whole(samples_.v_range), bits_.values);
    fit_.p = asymmetric_activation(0.0, static_cast<double>(samples_.p_max), bits_.values);
    score_loss_ = meter_.score_loss(operands_, fit_.q, fit_.k);
    value_loss_ = meter_.value_loss(fit_.p, fit_.v);
    record("minmax");
  }

  void clip_at_percentile() {
    take_scores(percentile_params(samples_.q, bits_.scores, options_),
                percentile_params(samples_.k, bits_.scores, options_));
    take_values(fit_.p, percentile_params(samples_.v, bits_.values, options_));
    record("percentile");
  }

  /// EasyQuant's alternation: each scale from multiples of itself, the other fixed.
  void search_scales() {
    for (int round = 0; round < options_.rounds; ++round) {
      const double before = score_loss_ + value_loss_;
      improve_query_scale();
      improve_key_scale();
      improve_probability_scale();
      improve_value_scale();
      if (!(score_loss_ + value_loss_ < 0.999 * before)) break;
    }
    record("scale");
  }

  /// The noisy bias of the paper on the keys, where it needs no denoising: N ~ U(-n, n) per channel.
  void search_key_noise() {
    RandomStream stream(options_.seed, name_);
    std::vector<float> draw(static_cast<std::size_t>(samples_.heads * samples_.dim));
    for (float& value : draw) value = static_cast<float>(2.0 * stream.uniform() - 1.0);
    const double largest = kLargestSteps * static_cast<double>(fit_.k.scale[0]);
    const auto amplitude = [&](int index) { return largest * (index + 1) / options_.noise_candidates; };
    const auto shift_of = [&](int index) {
      std::vector<float> shift;
      for (const float value : draw)
        shift.push_back(static_cast<float>(amplitude(index) * static_cast<double>(value)));
      return shift;
    };
    const int best = best_candidates(options_.noise_candidates, 2 * kStep, 1, [&](int index) {
      return meter_.score_loss(meter_.operands({}, shift_of(index)), fit_.q, fit_.k);
    })[0];
    const double loss = meter_.score_loss(meter_.operands({}, shift_of(best)), fit_.q, fit_.k);
    if (loss < score_loss_) {
      set_operands({}, shift_of(best));
      fit_.key_noise_amplitude = amplitude(best);
      score_loss_ = loss;
    }
    record("noisy_bias");
    improve_key_scale();
    record("scale");
  }

  void search_best() {
    search_scales();
    if (freedom_.key_shift) {
      restart_scores({}, centre_keys({}));
      record("key_shift");
    }
    if (freedom_.query_scale) {
      search_query_scale();
      record("query_scale");
    }
  }

  /// -middle of every channel of K * query_scale; empty where keys may not be shifted.
  std::vector<float> centre_keys(const std::vector<float>& query_scale) const {
    std::vector<float> shift;
    for (std::size_t c = 0; freedom_.key_shift && c < samples_.k_range.low.size(); ++c) {
      const float factor = query_scale.empty() ? 1.0F : query_scale[c];
      shift.push_back(-0.5F * factor * (samples_.k_range.low[c] + samples_.k_range.high[c]));
    }
    return shift;
  }

  /// Ranks the channel scales by a coarse common clipping of Q and K, then searches the scales of the best.
  void search_query_scale() {
    std::vector<std::vector<float>> candidates;
    for (const auto& exponent : kExponents) candidates.push_back(channel_scale(exponent[0], exponent[1]));
    const int count = static_cast<int>(candidates.size());
    const int best = best_candidates(count, 1, 1, [&](int index) {
      AttentionSearch trial = *this;
      const auto& scale = candidates[static_cast<std::size_t>(index)];
      trial.set_operands(scale, centre_keys(scale));
      double least = std::numeric_limits<double>::infinity();
      for (const double clip : {1.0, 0.8, 0.6, 0.45}) {
        const auto [q, k] = trial.clipped(clip);
        least = std::min(least, meter_.score_loss(trial.operands_, q, k));
      }
      return least;
    })[0];
    const std::vector<float>& scale = candidates[static_cast<std::size_t>(best)];
    restart_scores(scale, centre_keys(scale));
  }

  /// a = |q|^t / |k|^u per channel, its geometric mean 1.
  std::vector<float> channel_scale(double t, double u) const {
    std::vector<double> logs;
    double sum = 0;
    for (std::size_t c = 0; c < samples_.q_range.low.size(); ++c) {
      const double q = std::max(
          {std::fabs(double(samples_.q_range.low[c])), std::fabs(double(samples_.q_range.high[c])), 1e-6});
      const double low = static_cast<double>(samples_.k_range.low[c]);
      const double high = static_cast<double>(samples_.k_range.high[c]);
      const double k =
          std::max(freedom_.key_shift ? 0.5 * (high - low) : std::max(std::fabs(low), std::fabs(high)), 1e-6);
      logs.push_back(t * std::log(q) - u * std::log(k));
      sum += logs.back();
    }
    std::vector<float> scale;
    for (const double value : logs) {
      scale.push_back(static_cast<float>(std::exp(value - sum / static_cast<double>(logs.size()))));
    }
    return scale;
  }

  /// Other operands with scales of their own from the extremes on; kept if the loss falls.
  void restart_scores(const std::vector<float>& query_scale, const std::vector<float>& key_shift) {
    AttentionSearch trial = *this;
    trial.set_operands(query_scale, key_shift);
    trial.fit_.q = trial.range_params(trial.q_range(), bits_.scores);
    trial.fit_.k = trial.range_params(trial.k_range(), bits_.scores);
    trial.score_loss_ = meter_.score_loss(trial.operands_, trial.fit_.q, trial.fit_.k);
    for (int round = 0; round < options_.rounds; ++round) {
      trial.improve_query_scale();
      trial.improve_key_scale();
    }
    if (trial.score_loss_ < score_loss_) take_from(trial);
  }

  void take_from(const AttentionSearch& trial) {
    fit_ = trial.fit_;
    operands_ = trial.operands_;
    score_loss_ = trial.score_loss_;
  }

  void improve_query_scale() {
    improve_scale(fit_.q, score_loss_, ratios(),
                  [&](const QuantParams& q) { return meter_.score_loss(operands_, q, fit_.k); });
  }
  void improve_key_scale() {
    improve_scale(fit_.k, score_loss_, ratios(),
                  [&](const QuantParams& k) { return meter_.score_loss(operands_, fit_.q, k); });
  }
  void improve_value_scale() {
    improve_scale(fit_.v, value_loss_, ratios(),
                  [&](const QuantParams& v) { return meter_.value_loss(fit_.p, v); });
  }
  void improve_probability_scale() {
    const double largest =
        static_cast<double>(samples_.p_max) / (fit_.p.qmax() * static_cast<double>(fit_.p.scale[0]));
    std::vector<double> octaves;
    for (int index = 0; index < kProbabilityScales; ++index)
      octaves.push_back(largest * std::exp2(-index / 8.0));
    improve_scale(fit_.p, value_loss_, octaves,
                  [&](const QuantParams& p) { return meter_.value_loss(p, fit_.v); });
  }

  std::vector<double> ratios() const {
    std::vector<double> result;
    for (int index = 0; index < options_.candidates; ++index)
      result.push_back(candidate_ratio(options_, index));
    return result;
  }

  template <typename Loss>
  static void improve_scale(QuantParams& params, double& loss, const std::vector<double>& ratios,
                            const Loss& loss_of) {
    const auto scaled = [&](int index) {
      QuantParams trial = params;
      trial.scale[0] =
          sane_scale(static_cast<double>(params.scale[0]) * ratios[static_cast<std::size_t>(index)]);
      return trial;
    };
    const int count = static_cast<int>(ratios.size());
    const int best = best_candidates(count, kStep, 1, [&](int index) { return loss_of(scaled(index)); })[0];
    const QuantParams trial = scaled(best);
    const double least = loss_of(trial);
    if (!(least < loss)) return;
    params = trial;
    loss = least;
  }

  void take_scores(const QuantParams& q, const QuantParams& k) {
    const double loss = meter_.score_loss(operands_, q, k);
    if (!(loss < score_loss_)) return;
    fit_.q = q;
    fit_.k = k;
    score_loss_ = loss;
  }

  void take_values(const QuantParams& p, const QuantParams& v) {
    const double loss = meter_.value_loss(p, v);
    if (!(loss < value_loss_)) return;
    fit_.p = p;
    fit_.v = v;
    value_loss_ = loss;
  }

  std::pair<QuantParams, QuantParams> clipped(double clip) const {
    QuantParams q = range_params(q_range(), bits_.scores);
    QuantParams k = range_params(k_range(), bits_.scores);
    q.scale[0] = sane_scale(clip * static_cast<double>(q.scale[0]));
    k.scale[0] = sane_scale(clip * static_cast<double>(k.scale[0]));
    return {q, k};
  }

  QuantParams range_params(const Range& range, int bits) const {
    return activation_params(range.low, range.high, bits, options_.symmetric());
  }

  Range q_range() const {
    ChannelRange range = samples_.q_range;
    for (std::size_t c = 0; c < fit_.query_scale.size(); ++c) {
      range.low[c] /= fit_.query_scale[c];
      range.high[c] /= fit_.query_scale[c];
    }
    return whole(range);
  }

  Range k_range() const {
    ChannelRange range = samples_.k_range;
    for (std::size_t c = 0; c < range.low.size(); ++c) {
      const float factor = fit_.query_scale.empty() ? 1.0F : fit_.query_scale[c];
      const float shift = fit_.key_shift.empty() ? 0.0F : fit_.key_shift[c];
      range.low[c] = range.low[c] * factor + shift;
      range.high[c] = range.high[c] * factor + shift;
    }
    return whole(range);
  }

  void set_operands(const std::vector<float>& query_scale, const std::vector<float>& key_shift) {
    fit_.query_scale = query_scale;
    fit_.key_shift = key_shift;
    operands_ = meter_.operands(query_scale, key_shift);
  }

  void record(const std::string& stage) {
    fit_.score_stages.push_back({stage, score_loss_});
    fit_.value_stages.push_back({stage, value_loss_});
  }

  const AttentionSamples& samples_;
  AttentionFreedom freedom_;
  AttentionBits bits_;
  const MethodOptions& options_;
  const std::string& name_;
  AttentionMeter meter_;
  AttentionMeter::Operands operands_;
  AttentionFit fit_;
  double score_loss_ = 0;
  double value_loss_ = 0;
};

void check_finite(const std::vector<float>& values, const char* what) {
  NQ_CHECK(std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }), input,
           "{} of an attention are not finite", what);
}

}  // namespace

AttentionFit fit_attention(const AttentionSamples& samples, const AttentionFreedom& freedom, const AttentionBits& bits,
                           ProductStrategy strategy, const MethodOptions& options, const std::string& name) {
  NQ_CHECK(samples.instances > 0 && samples.rows > 0 && samples.keys > 0, input,
           "an attention has no samples");
  check_finite(samples.q, "the queries");
  check_finite(samples.k, "the keys");
  check_finite(samples.v, "the values");
  check_finite(samples.p, "the probabilities");
  for (const ChannelRange* range : {&samples.q_range, &samples.k_range, &samples.v_range}) {
    check_finite(range->low, "the ranges");
    check_finite(range->high, "the ranges");
  }
  return AttentionSearch(samples, freedom, bits, options, name).run(strategy);
}

}  // namespace nq
