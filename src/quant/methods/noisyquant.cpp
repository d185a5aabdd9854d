#include <algorithm>

#include "core/rng.hpp"
#include "quant/activation_search.hpp"
#include "quant/candidate_search.hpp"
#include "quant/methods/easyquant_host.hpp"
#include "quant/noise_search.hpp"
#include "quant/quantizers.hpp"
#include "quant/row_emphasis.hpp"
#include "quant/site_check.hpp"

namespace nq {
namespace {

constexpr int kDraws = 4;
constexpr std::size_t kMeasuredDraws = 2;
constexpr int kNoiseStep = 8;
constexpr int kScaleStep = 8;
// Amplitudes beyond two steps help by moving one-sided channels towards the middle of the codes.
constexpr double kLargestSteps = 8.0;
constexpr std::int64_t kJudgingRows = 1024;

/// The layer with the weight of tokens that the output reads raised: most tokens reach the output averaged, and a
/// noise that helps them alone may cost the few that matter.
class ReadoutJudge {
 public:
  ReadoutJudge(const SiteInput& site, const HostFit& host)
      : weights_(emphasized_weights(site)),
        rows_(with_weights(site, weights_), RowSet::all, kJudgingRows, host.reparam.channel_scale, {}),
        meter_(rows_.input()),
        probe_(rows_.input(), {.rows = 512, .columns = 32}) {
    probe_.set_weight(host.fit);
  }

  const OutputProbe& probe() const noexcept { return probe_; }
  double loss(const SiteFit& fit) const { return meter_.mse(fit); }

 private:
  static SiteInput with_weights(SiteInput site, const std::vector<float>& weights) {
    site.row_weight = weights;
    return site;
  }

  std::vector<float> weights_;
  PreparedSite rows_;
  LossMeter meter_;
  OutputProbe probe_;
};

/// NoisyQuant (Liu et al. 2023, sections 3.2 and 3.3) on EasyQuant: N ~ U(-n, n) per channel, n by linear search in
/// (0, 8 * scale] with 0 as the incumbent, then the host's search of the activation scale with N in place. Of a few
/// draws the best is taken, and only what lowers the loss over all tokens and over those that the output reads.
class NoisySearch {
 public:
  NoisySearch(const SiteInput& site, const MethodOptions& options)
      : site_(site), options_(options), host_(site, options) {}

  SiteFit run() {
    fit_easyquant(options_, host_);
    judge_ = std::make_unique<ReadoutJudge>(site_, host_);
    judged_ = judge_->loss(host_.fit);
    search_noise();
    host_.record("noisy_bias");
    offer_scales(host_.fit);
    host_.record("activation_scale");
    return host_.result();
  }

 private:
  struct Candidate {
    std::vector<float> noise;
    double amplitude = 0;
    double error = 0;
  };

  void search_noise() {
    RandomStream stream(options_.seed, site_.name);
    std::vector<Candidate> candidates;
    for (int index = 0; index < kDraws; ++index) candidates.push_back(best_amplitude(stream));
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.error < b.error; });
    const SiteFit start = host_.fit;
    for (std::size_t index = 0; index < kMeasuredDraws; ++index) {
      SiteFit trial = start;
      trial.noisy_bias = candidates[index].noise;
      trial.noise_amplitude = candidates[index].amplitude;
      offer_scales(trial);
      offer(std::move(trial));
    }
  }

  /// A draw U(-1, 1) per input channel with the amplitude that suits the present scale.
  Candidate best_amplitude(RandomStream& stream) const {
    std::vector<float> draw(static_cast<std::size_t>(site_.rows.cols));
    for (float& value : draw) value = static_cast<float>(2.0 * stream.uniform() - 1.0);
    const AffineGrid grid = affine_grid(host_.fit.activation);
    const auto candidate = [&](int index) {
      Candidate result;
      result.amplitude = kLargestSteps * static_cast<double>(grid.scale) * (index + 1) / options_.noise_candidates;
      result.noise = scaled_noise(draw, 0.0, result.amplitude);
      for (std::size_t c = 0; c < host_.reparam.shift.size(); ++c) result.noise[c] += host_.reparam.shift[c];
      result.error = judge_->probe().evaluate(grid, result.noise).error2;
      return result;
    };
    return candidate(best_candidates(options_.noise_candidates, kNoiseStep, 1,
                                     [&](int index) { return candidate(index).error; })[0]);
  }

  /// Offers `start` at the best of the host's candidate scales for it.
  void offer_scales(const SiteFit& start) {
    const auto scale_of = [&](int index) {
      return sane_scale(static_cast<double>(start.activation.scale[0]) * candidate_ratio(options_, index));
    };
    const int best = best_candidates(options_.candidates, kScaleStep, 1, [&](int index) {
      AffineGrid grid = affine_grid(start.activation);
      grid.scale = scale_of(index);
      return objective_score(judge_->probe().evaluate(grid, start.noisy_bias), options_.objective);
    })[0];
    SiteFit trial = start;
    trial.activation.scale[0] = scale_of(best);
    offer(std::move(trial));
  }

  void offer(SiteFit trial) {
    trial.stages = host_.fit.stages;
    const double judged = judge_->loss(trial);
    if (judged < judged_ && take_if_better(host_.meter, std::move(trial), host_.fit, host_.channel_mse)) judged_ = judged;
  }

  const SiteInput& site_;
  const MethodOptions& options_;
  HostFit host_;
  std::unique_ptr<ReadoutJudge> judge_;
  double judged_ = 0;
};

class NoisyQuant final : public Method {
 public:
  ProductStrategy products() const noexcept override { return ProductStrategy::noise; }
  SiteFit fit(const SiteInput& site, const MethodOptions& options) const override {
    check_site(site, options);
    return NoisySearch(site, options).run();
  }
};

}  // namespace

void register_method_noisyquant(MethodRegistry& registry);
void register_method_noisyquant(MethodRegistry& registry) {
  registry.add("noisyquant", "EasyQuant with a random noisy bias whose amplitude is searched.",
               std::make_unique<NoisyQuant>());
}

}  // namespace nq
