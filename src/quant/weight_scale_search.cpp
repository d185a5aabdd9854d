#include "quant/weight_scale_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/parallel.hpp"
#include "quant/activation_search.hpp"
#include "quant/affine_grid.hpp"
#include "quant/gram.hpp"
#include "quant/quantizers.hpp"

namespace nq {
namespace {

constexpr Eigen::Index kFactorRank = 32;
constexpr std::int64_t kOutputBlock = 8;
constexpr std::size_t kFinalists = 3;

/// Per-channel moments of the activation's quantization error e = v - x, [c_in] each.
struct ErrorMoments {
  Eigen::ArrayXf input_error;  ///< E[x e]
  Eigen::ArrayXf error2;       ///< E[e^2]
};

ErrorMoments error_moments(const SiteInput& site, const SiteFit& fit) {
  const AffineGrid grid = affine_grid(fit.activation);
  Eigen::ArrayXd input_error = Eigen::ArrayXd::Zero(site.rows.cols);
  Eigen::ArrayXd error2 = Eigen::ArrayXd::Zero(site.rows.cols);
  double total = 0;
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const double weight = static_cast<double>(site.row_weight[static_cast<std::size_t>(row)]);
    const float* x = site.rows.row(row);
    for (std::int64_t c = 0; c < site.rows.cols; ++c) {
      const float n = fit.noisy_bias.empty() ? 0.0F : fit.noisy_bias[static_cast<std::size_t>(c)];
      const double error = static_cast<double>(grid_round(x[c] + n, grid) - n - x[c]);
      input_error[c] += weight * error * static_cast<double>(x[c]);
      error2[c] += weight * error * error;
    }
    total += weight;
  }
  return {(input_error / total).cast<float>(), (error2 / total).cast<float>()};
}

/// Everything about the layer input that scores candidates of one output channel.
class OutputScorer {
 public:
  OutputScorer(const RowMatrix& gram, FactoredGram factored, ErrorMoments moments, Objective objective)
      : gram_(gram), factored_(std::move(factored)), moments_(std::move(moments)), objective_(objective) {}

  /// Scores of quantized weight rows `candidates` [n, c_in] of the weight row w; smaller is better.
  Eigen::ArrayXf score(const Eigen::RowVectorXf& w, const RowMatrix& candidates, bool exact) const {
    const RowMatrix difference = w.replicate(candidates.rows(), 1) - candidates;
    Eigen::ArrayXf loss = exact ? exact_loss(difference) : factored_loss(difference);
    if (objective_ == Objective::cosine) return negative_cosine(w, difference, loss);
    const Eigen::ArrayXf cross =
        (difference.array() * candidates.array()).matrix() * moments_.input_error.matrix();
    const Eigen::ArrayXf noise = candidates.array().square().matrix() * moments_.error2.matrix();
    return loss - 2.0F * cross + noise;
  }

 private:
  Eigen::ArrayXf exact_loss(const RowMatrix& difference) const {
    const RowMatrix product = difference * gram_;
    return (product.array() * difference.array()).rowwise().sum();
  }
  Eigen::ArrayXf factored_loss(const RowMatrix& difference) const {
    const RowMatrix product = difference * factored_.factor;
    return product.rowwise().squaredNorm() + difference.array().square().matrix() * factored_.rest;
  }
  // |q|^2 = |o|^2 - 2 o.(dX) + |dX|^2 and o.q = |o|^2 - o.(dX), the bias left out of both.
  Eigen::ArrayXf negative_cosine(const Eigen::RowVectorXf& w, const RowMatrix& difference,
                                 const Eigen::ArrayXf& loss) const {
    const Eigen::VectorXf gw = gram_ * w.transpose();
    const float reference2 = w.dot(gw);
    const Eigen::ArrayXf overlap = difference * gw;
    const Eigen::ArrayXf output2 =
        (reference2 - 2.0F * overlap + loss).max(std::numeric_limits<float>::min());
    return -(reference2 - overlap) / output2.sqrt();
  }

  const RowMatrix& gram_;
  FactoredGram factored_;
  ErrorMoments moments_;
  Objective objective_;
};

RowMatrix quantized_rows(const Eigen::RowVectorXf& w, std::span<const float> scales,
                         const QuantParams& params) {
  RowMatrix rows(static_cast<Eigen::Index>(scales.size()), w.cols());
  AffineGrid grid = affine_grid(params);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    grid.scale = scales[i];
    const AffineGrid local = grid;
    const float* in = w.data();
    float* out = rows.row(static_cast<Eigen::Index>(i)).data();
    for (Eigen::Index c = 0; c < w.cols(); ++c) out[c] = grid_round(in[c], local);
  }
  return rows;
}

/// Best scale of one output channel: the present one or one of `options.candidates` multiples.
float best_scale(const OutputScorer& scorer, const Eigen::RowVectorXf& w, float present,
                 const QuantParams& params, const MethodOptions& options) {
  std::vector<float> scales;
  for (int i = 0; i < options.candidates; ++i) {
    scales.push_back(sane_scale(static_cast<double>(present) * candidate_ratio(options, i)));
  }
  const Eigen::ArrayXf coarse = scorer.score(w, quantized_rows(w, scales, params), false);
  std::vector<Eigen::Index> order(scales.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return coarse[a] < coarse[b]; });
  std::vector<float> finalists = {present};
  for (std::size_t i = 0; i < std::min(kFinalists, order.size()); ++i) {
    finalists.push_back(scales[static_cast<std::size_t>(order[i])]);
  }
  const Eigen::ArrayXf exact = scorer.score(w, quantized_rows(w, finalists, params), true);
  std::size_t best = 0;
  for (std::size_t i = 1; i < finalists.size(); ++i) {
    if (exact[static_cast<Eigen::Index>(i)] < exact[static_cast<Eigen::Index>(best)]) best = i;
  }
  return finalists[best];
}

}  // namespace

WeightScaleSearch::WeightScaleSearch(const SiteInput& site, const MethodOptions& options)
    : site_(site),
      options_(options),
      weight_rows_(as_eigen(site.weight).transpose()),
      gram_(gram_matrix(site.rows, site.row_weight)) {}

std::vector<float> WeightScaleSearch::proposed_scales(const SiteFit& fit) const {
  const OutputScorer scorer(gram_, factor_gram(gram_, kFactorRank), error_moments(site_, fit),
                            options_.objective);
  std::vector<float> scales = fit.weight.scale;
  parallel_for(0, site_.weight.cols, kOutputBlock, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t out = first; out < last; ++out) {
      float& scale = scales[static_cast<std::size_t>(out)];
      scale = best_scale(scorer, weight_rows_.row(out), scale, fit.weight, options_);
    }
  });
  return scales;
}

void WeightScaleSearch::improve(const LossMeter& meter, SiteFit& fit,
                                std::vector<double>& channel_mse) const {
  SiteFit trial = fit;
  trial.weight.scale = proposed_scales(fit);
  trial.weight_codes = weight_codes(site_.weight, trial.weight);
  const std::vector<double> trial_mse = meter.channel_mse(trial);
  for (std::size_t out = 0; out < channel_mse.size(); ++out) {
    if (!(trial_mse[out] < channel_mse[out])) continue;
    channel_mse[out] = trial_mse[out];
    fit.weight.scale[out] = trial.weight.scale[out];
  }
  fit.weight_codes = weight_codes(site_.weight, fit.weight);
}

}  // namespace nq
