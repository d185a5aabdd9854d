#include "quant/row_scale_search.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

#include "quant/affine_grid.hpp"
#include "quant/quantizers.hpp"

namespace nq {
namespace {

constexpr Eigen::Index kFactorRank = 32;
constexpr std::size_t kFinalists = 3;

/// w rounded with each scale, [scales, c_in].
RowMatrix quantized_rows(const Eigen::RowVectorXf& w, std::span<const float> scales,
                         const QuantParams& params) {
  RowMatrix rows(static_cast<Eigen::Index>(scales.size()), w.cols());
  for (std::size_t i = 0; i < scales.size(); ++i) {
    AffineGrid grid = affine_grid(params);
    grid.scale = scales[i];
    const float* in = w.data();
    float* out = rows.row(static_cast<Eigen::Index>(i)).data();
    for (Eigen::Index c = 0; c < w.cols(); ++c) out[c] = grid_round(in[c], grid);
  }
  return rows;
}

}  // namespace

RowScaleSearch::RowScaleSearch(const RowMatrix& gram, ErrorMoments moments, Objective objective)
    : gram_(gram),
      factored_(factor_gram(gram, kFactorRank)),
      moments_(std::move(moments)),
      objective_(objective) {}

Eigen::ArrayXf RowScaleSearch::difference_loss(const RowMatrix& difference, bool exact) const {
  if (exact) {
    const RowMatrix product = difference * gram_;
    return (product.array() * difference.array()).rowwise().sum();
  }
  const RowMatrix product = difference * factored_.factor;
  const Eigen::VectorXf rest = difference.array().square().matrix() * factored_.rest;
  return product.rowwise().squaredNorm().array() + rest.array();
}

// |q|^2 = |o|^2 - 2 o.(dX) + |dX|^2 and o.q = |o|^2 - o.(dX), the bias left out of both.
Eigen::ArrayXf RowScaleSearch::negative_cosine(const Eigen::RowVectorXf& w, const RowMatrix& difference,
                                               const Eigen::ArrayXf& loss) const {
  const Eigen::VectorXf gw = gram_ * w.transpose();
  const float reference2 = w.dot(gw);
  const Eigen::ArrayXf overlap = (difference * gw).array();
  const Eigen::ArrayXf output2 = (reference2 - 2.0F * overlap + loss).max(std::numeric_limits<float>::min());
  return -(reference2 - overlap) / output2.sqrt();
}

Eigen::ArrayXf RowScaleSearch::score(const Eigen::RowVectorXf& w, const RowMatrix& candidates,
                                     bool exact) const {
  RowMatrix difference = -candidates;
  difference.rowwise() += w;
  const Eigen::ArrayXf loss = difference_loss(difference, exact);
  if (objective_ == Objective::cosine) return negative_cosine(w, difference, loss);
  if (moments_.error2.size() == 0) return loss;
  const Eigen::VectorXf cross =
      (difference.array() * candidates.array()).matrix() * moments_.input_error.matrix();
  const Eigen::VectorXf noise = candidates.array().square().matrix() * moments_.error2.matrix();
  return loss - 2.0F * cross.array() + noise.array();
}

float RowScaleSearch::best_scale(const Eigen::RowVectorXf& w, float present,
                                 const std::vector<double>& ratios, const QuantParams& params) const {
  std::vector<float> scales;
  for (const double ratio : ratios) scales.push_back(sane_scale(static_cast<double>(present) * ratio));
  const Eigen::ArrayXf coarse = score(w, quantized_rows(w, scales, params), false);
  std::vector<Eigen::Index> order(scales.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return coarse[a] < coarse[b]; });
  std::vector<float> finalists = {present};
  for (std::size_t i = 0; i < std::min(kFinalists, order.size()); ++i) {
    finalists.push_back(scales[static_cast<std::size_t>(order[i])]);
  }
  const Eigen::ArrayXf exact = score(w, quantized_rows(w, finalists, params), true);
  std::size_t best = 0;
  for (std::size_t i = 1; i < finalists.size(); ++i) {
    if (exact[static_cast<Eigen::Index>(i)] < exact[static_cast<Eigen::Index>(best)]) best = i;
  }
  return finalists[best];
}

}  // namespace nq
