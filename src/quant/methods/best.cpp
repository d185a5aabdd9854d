#include <optional>

#include "core/parallel.hpp"
#include "quant/bias_correction.hpp"
#include "quant/code_search.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/joint_search.hpp"
#include "quant/output_probe.hpp"
#include "quant/prepared_site.hpp"
#include "quant/quantizers.hpp"
#include "quant/range_fit.hpp"
#include "quant/row_scale_search.hpp"
#include "quant/site_check.hpp"
#include "quant/structure_search.hpp"

namespace nq {
namespace {

constexpr std::int64_t kFittingRows = 2048;
constexpr std::int64_t kHeldOutRows = 1024;
constexpr std::int64_t kGramRows = 4096;
constexpr int kFinalists = 3;
constexpr int kSweeps = 3;
constexpr std::int64_t kOutputBlock = 8;
constexpr int kWeightScales = 40;
constexpr double kLowestWeightScale = 0.4;
constexpr double kHighestWeightScale = 1.02;

/// One site on its way through the parts; every part keeps its result only when the measured
/// loss falls.
class BestSearch {
 public:
  BestSearch(const SiteInput& site, const MethodOptions& options)
      : site_(site), options_(options), meter_(site), fit_(range_fit(site, options, extreme_range(site))) {
    loss_ = meter_.mse(fit_);
    fit_.stages.push_back({"minmax", loss_});
  }

  SiteFit run() {
    lay_out();
    search_offsets();
    search_weight_scales();
    search_weight_codes();
    return fit_;
  }

 private:
  /// Corrects the bias of a candidate, measures it, and keeps it if it is no worse.
  void offer(std::string stage, SiteFit trial) {
    if (options_.best.bias_correction) trial.bias_correction = mean_correction(prepared_->input(), trial);
    const double loss = meter_.mse(trial);
    if (loss <= loss_) {
      trial.stages = fit_.stages;
      fit_ = std::move(trial);
      loss_ = loss;
    }
    fit_.stages.push_back({std::move(stage), loss_});
  }

  void lay_out() {
    const SiteStructure structure = search_structure(site_, options_);
    prepared_.emplace(site_, RowSet::all, site_.rows.rows, structure.channel_scale,
                      structure.outlier_channels);
  }

  /// Codes and scales of the prepared weight, rounded to nearest.
  SiteFit rounded() const {
    SiteFit fit = range_fit(prepared_->input(), options_, extreme_range(prepared_->input()));
    fit.channel_scale = prepared_->channel_scale();
    fit.outlier_channels = prepared_->outlier_channels();
    return fit;
  }

  void search_offsets() {
    const SiteStructure structure{prepared_->channel_scale(), prepared_->outlier_channels()};
    const PreparedSite fitting(site_, RowSet::fitting, kFittingRows, structure.channel_scale,
                               structure.outlier_channels);
    const PreparedSite held_out(site_, RowSet::held_out, kHeldOutRows, structure.channel_scale,
                                structure.outlier_channels);
    SiteFit trial = rounded();
    const ChannelSamples samples(fitting.input());
    const std::vector<JointChoice> choices =
        joint_search(fitting.input(), samples, trial.activation, kFinalists);
    OutputProbe probe(held_out.input(), {.rows = kHeldOutRows, .columns = 64});
    probe.set_weight(trial);
    const JointChoice* best = nullptr;
    double least = 0;
    for (const JointChoice& choice : choices) {
      AffineGrid grid = affine_grid(trial.activation);
      grid.scale = choice.scale;
      const double error = probe.evaluate(grid, choice.noisy_bias).centred_error2;
      if (best != nullptr && !(error < least)) continue;
      best = &choice;
      least = error;
    }
    trial.activation.scale[0] = best->scale;
    trial.noisy_bias = best->noisy_bias;
    offer("noisy_bias", std::move(trial));
  }

  /// Centred second moments of the quantized input, which is what the weights meet.
  RowMatrix input_moments() const {
    const PreparedSite sampled(site_, RowSet::all, kGramRows, prepared_->channel_scale(),
                               prepared_->outlier_channels());
    const SiteInput& site = sampled.input();
    const AffineGrid grid = affine_grid(fit_.activation);
    RowMatrix values(site.rows.rows, site.rows.cols);
    for (std::int64_t row = 0; row < site.rows.rows; ++row) {
      const float* x = site.rows.row(row);
      float* out = values.row(row).data();
      for (std::int64_t c = 0; c < site.rows.cols; ++c) {
        const float n = fit_.noisy_bias.empty() ? 0.0F : fit_.noisy_bias[static_cast<std::size_t>(c)];
        out[c] = grid_round(x[c] + n, grid) - n;
      }
    }
    const Eigen::Map<const Eigen::RowVectorXf> weight(site.row_weight.data(), site.rows.rows);
    const Eigen::RowVectorXf mean = (weight * values) / weight.sum();
    values.rowwise() -= mean;
    return gram_matrix({values.data(), values.rows(), values.cols(), values.cols()}, site.row_weight);
  }

  void search_weight_scales() {
    if (!options_.best.weight_scale && !options_.best.weight_codes) return;
    gram_ = input_moments();
    if (!options_.best.weight_scale) return;
    std::vector<double> ratios;
    for (int i = 0; i < kWeightScales; ++i) {
      ratios.push_back(kLowestWeightScale +
                       (kHighestWeightScale - kLowestWeightScale) * i / (kWeightScales - 1));
    }
    SiteFit trial = fit_;
    const RowMatrix weight_rows = as_eigen(prepared_->input().weight).transpose();
    const RowScaleSearch search(gram_, {}, Objective::mse);
    parallel_for(0, weight_rows.rows(), kOutputBlock, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t out = first; out < last; ++out) {
        float& scale = trial.weight.scale[static_cast<std::size_t>(out)];
        scale = search.best_scale(weight_rows.row(out), scale, ratios, trial.weight);
      }
    });
    trial.weight_codes = weight_codes(prepared_->input().weight, trial.weight);
    offer("weight_scale", std::move(trial));
  }

  void search_weight_codes() {
    if (!options_.best.weight_codes) return;
    const RowMatrix weight = as_eigen(prepared_->input().weight);
    const CodeSearch search(gram_);
    SiteFit trial = fit_;
    RowMatrix codes = search.round_with_feedback(weight, trial.weight);
    search.descend(weight, codes, trial.weight, kSweeps);
    for (Eigen::Index i = 0; i < codes.size(); ++i) {
      trial.weight_codes[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(codes.data()[i]);
    }
    trial.weight_codes_derived = false;
    offer("weight_codes", std::move(trial));
  }

  const SiteInput& site_;
  const MethodOptions& options_;
  LossMeter meter_;
  SiteFit fit_;
  double loss_ = 0;
  std::optional<PreparedSite> prepared_;
  RowMatrix gram_;
};

class Best final : public Method {
 public:
  SiteFit fit(const SiteInput& site, const MethodOptions& options) const override {
    check_site(site, options);
    return BestSearch(site, options).run();
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
