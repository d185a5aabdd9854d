#include <optional>
#include <span>

#include "core/parallel.hpp"
#include "quant/activation_choice.hpp"
#include "quant/bias_correction.hpp"
#include "quant/code_search.hpp"
#include "quant/compensation.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/input_moments.hpp"
#include "quant/prepared_site.hpp"
#include "quant/quantizers.hpp"
#include "quant/range_fit.hpp"
#include "quant/row_emphasis.hpp"
#include "quant/row_scale_search.hpp"
#include "quant/site_check.hpp"
#include "quant/structure_search.hpp"
#include "quant/transposed.hpp"

namespace nq {
namespace {

constexpr std::int64_t kFittingRows = 768;
constexpr std::int64_t kHeldOutRows = 512;
constexpr std::int64_t kMomentRows = 2560;
constexpr std::int64_t kMeanRows = 2048;
constexpr std::int64_t kMeasuredRows = 512;
constexpr int kSweeps = 2;
constexpr std::int64_t kOutputBlock = 32;
constexpr int kWeightScales = 32;
constexpr double kLowestWeightScale = 0.4;
constexpr double kHighestWeightScale = 1.02;

/// One site on its way through the parts; every part keeps its result only when the measured
/// loss falls.
class BestSearch {
 public:
  BestSearch(const SiteInput& site, const MethodOptions& options)
      : site_(site),
        options_(options),
        measured_(site, RowSet::all, kMeasuredRows, {}, {}),
        meter_(measured_.input()),
        fit_(range_fit(site, options, extreme_range(site))) {
    loss_ = meter_.mse(fit_);
    fit_.stages.push_back({"minmax", loss_});
  }

  SiteFit run() {
    lay_out();
    search_offsets();
    find_target();
    search_weight_scales();
    search_weight_codes();
    return fit_;
  }

 private:
  /// Corrects the bias of a candidate, measures it, and keeps it if it is no worse.
  void offer(std::string stage, SiteFit trial) {
    if (options_.best.bias_correction) trial.bias_correction = mean_correction(prepared_->input(), means_for(trial), trial);
    const double loss = meter_.mse(trial);
    if (loss <= loss_) {
      trial.stages = fit_.stages;
      fit_ = std::move(trial);
      loss_ = loss;
    }
    fit_.stages.push_back({std::move(stage), loss_});
  }

  /// Parts that leave the quantizer as it is share its means.
  const InputMeans& means_for(const SiteFit& fit) {
    if (!means_ || !(means_->grid == affine_grid(fit.activation)) || means_->noisy_bias != fit.noisy_bias) {
      means_ = input_means(prepared_->input(), fit);
    }
    return *means_;
  }

  void lay_out() {
    const SiteStructure structure = search_structure(site_, options_);
    prepared_.emplace(site_, RowSet::all, kMeanRows, structure.channel_scale,
                      structure.outlier_channels);
    held_out_.emplace(site_, RowSet::held_out, kHeldOutRows, structure.channel_scale, structure.outlier_channels);
  }

  /// Codes and scales of the prepared weight, rounded to nearest.
  SiteFit rounded() const {
    SiteFit fit = range_fit(prepared_->input(), options_, extreme_range(prepared_->input()));
    fit.channel_scale = prepared_->channel_scale();
    fit.outlier_channels = prepared_->outlier_channels();
    return fit;
  }

  void search_offsets() {
    const PreparedSite fitting = rows_of(RowSet::fitting, kFittingRows);
    SiteFit trial = rounded();
    ActivationChoice choice = choose_activation(fitting.input(), held_out_->input(), trial, options_);
    trial.activation = std::move(choice.activation);
    trial.noisy_bias = std::move(choice.noisy_bias);
    offer(options_.best.noisy_bias ? "noisy_bias" : "activation_scale", std::move(trial));
  }

  PreparedSite rows_of(RowSet set, std::int64_t count) const {
    return PreparedSite(site_, set, count, prepared_->channel_scale(), prepared_->outlier_channels());
  }

  /// Moments of the quantized input, and the weight that the codes shall approximate.
  void find_target() {
    target_ = as_eigen(prepared_->input().weight);
    if (!options_.best.weight_scale && !options_.best.weight_codes) return;
    const CentredRows fitting = centred_rows(rows_of(RowSet::fitting, kMomentRows).input(), fit_);
    const CentredRows held_out = centred_rows(rows_of(RowSet::held_out, kMomentRows).input(), fit_);
    gram_ = quantized_gram(fitting);
    if (options_.best.compensation) target_ = compensated_weight(target_, {gram_, weight_pull(fitting, target_)}, held_out);
    // The held-out rows have judged the target; scales and codes learn from them too.
    gram_ = pooled_gram(gram_, fitting.total_weight, held_out);
  }

  MatrixView target_view() const { return {target_.data(), target_.rows(), target_.cols(), target_.cols()}; }

  void search_weight_scales() {
    if (!options_.best.weight_scale) return;
    std::vector<double> ratios;
    for (int i = 0; i < kWeightScales; ++i) {
      ratios.push_back(kLowestWeightScale +
                       (kHighestWeightScale - kLowestWeightScale) * i / (kWeightScales - 1));
    }
    SiteFit trial = fit_;
    trial.weight = absmax_weight(target_view(), options_.weight_bits);
    const QuantParams start = trial.weight;  // no block may read what another writes
    const RowMatrix weight_rows = transposed(target_view());
    const RowScaleSearch search(gram_, {}, Objective::mse);
    parallel_for(0, weight_rows.rows(), kOutputBlock, [&](std::int64_t first, std::int64_t last) {
      const auto count = static_cast<std::size_t>(last - first);
      search.improve_scales(weight_rows.middleRows(first, last - first),
                            std::span(trial.weight.scale).subspan(static_cast<std::size_t>(first), count), ratios, start);
    });
    trial.weight_codes = weight_codes(target_view(), trial.weight);
    trial.weight_codes_derived = trial.weight_codes == weight_codes(prepared_->input().weight, trial.weight);
    offer("weight_scale", std::move(trial));
  }

  void search_weight_codes() {
    if (!options_.best.weight_codes) return;
    const RowMatrix& weight = target_;
    const CodeSearch search(gram_);
    SiteFit trial = fit_;
    RowMatrix codes = search.round_with_feedback(weight, trial.weight);
    search.descend(weight, codes, trial.weight, kSweeps);
    if (!codes.allFinite()) return;  // moments beyond float32
    for (Eigen::Index i = 0; i < codes.size(); ++i) {
      trial.weight_codes[static_cast<std::size_t>(i)] = static_cast<WeightCode>(codes.data()[i]);
    }
    trial.weight_codes_derived = false;
    offer("weight_codes", std::move(trial));
  }

  const SiteInput& site_;
  const MethodOptions& options_;
  PreparedSite measured_;
  LossMeter meter_;
  SiteFit fit_;
  double loss_ = 0;
  std::optional<PreparedSite> prepared_;
  std::optional<PreparedSite> held_out_;
  std::optional<InputMeans> means_;
  RowMatrix gram_;    ///< of the quantized input, centred
  RowMatrix target_;  ///< what the codes shall approximate, [c_in, c_out]
};

class Best final : public Method {
 public:
  ProductStrategy products() const noexcept override { return ProductStrategy::best; }
  SiteFit fit(const SiteInput& site, const MethodOptions& options) const override {
    check_site(site, options);
    const std::vector<float> row_weight = emphasized_weights(site);
    SiteInput weighted = site;
    weighted.row_weight = row_weight;
    return BestSearch(weighted, options).run();
  }
};

}  // namespace

void register_method_best(MethodRegistry& registry);
void register_method_best(MethodRegistry& registry) {
  registry.add(
      "best", "Per-channel noisy bias, channel scales, bias correction and codes fitted to the layer output.",
      std::make_unique<Best>());
}

}  // namespace nq
