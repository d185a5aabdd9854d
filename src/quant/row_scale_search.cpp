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

/// w - candidate, row by row.
RowMatrix differences(const Eigen::RowVectorXf& w, const RowMatrix& candidates) {
  RowMatrix difference = -candidates;
  difference.rowwise() += w;
  return difference;
}

RowMatrix multiplied(const RowMatrix& rows, const kernels::PackedMatrix& packed) {
  RowMatrix result(rows.rows(), packed.cols());
  kernels::gemm_serial(kernels::StridedMatrix::dense(rows.data(), rows.rows(), rows.cols()), packed.data(), packed.cols(),
                       result.data(), result.cols());
  return result;
}

}  // namespace

RowScaleSearch::RowScaleSearch(const RowMatrix& gram, ErrorMoments moments, Objective objective)
    : gram_(gram),
      packed_gram_(kernels::StridedMatrix::dense(gram.data(), gram.rows(), gram.cols())),
      factored_(factor_gram(gram, kFactorRank)),
      packed_factor_(
          kernels::StridedMatrix::dense(factored_.factor.data(), factored_.factor.rows(), factored_.factor.cols())),
      moments_(std::move(moments)),
      objective_(objective) {}

Eigen::ArrayXf RowScaleSearch::factored_loss(const RowMatrix& difference) const {
  const RowMatrix product = multiplied(difference, packed_factor_);
  const Eigen::VectorXf rest = difference.array().square().matrix() * factored_.rest;
  return product.rowwise().squaredNorm().array() + rest.array();
}

Eigen::ArrayXf RowScaleSearch::exact_loss(const RowMatrix& difference) const {
  return (multiplied(difference, packed_gram_).array() * difference.array()).rowwise().sum();
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
                                     const RowMatrix& difference, const Eigen::ArrayXf& loss) const {
  if (objective_ == Objective::cosine) return negative_cosine(w, difference, loss);
  if (moments_.error2.size() == 0) return loss;
  const Eigen::VectorXf cross =
      (difference.array() * candidates.array()).matrix() * moments_.input_error.matrix();
  const Eigen::VectorXf noise = candidates.array().square().matrix() * moments_.error2.matrix();
  return loss - 2.0F * cross.array() + noise.array();
}

/// `present`, and the best few of its multiples.
std::vector<float> RowScaleSearch::finalists(const Eigen::RowVectorXf& w, float present,
                                             const std::vector<double>& ratios, const QuantParams& params) const {
  std::vector<float> scales;
  for (const double ratio : ratios) scales.push_back(sane_scale(static_cast<double>(present) * ratio));
  const RowMatrix candidates = quantized_rows(w, scales, params);
  const RowMatrix difference = differences(w, candidates);
  const Eigen::ArrayXf coarse = score(w, candidates, difference, factored_loss(difference));
  std::vector<Eigen::Index> order(scales.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return coarse[a] < coarse[b]; });
  std::vector<float> best = {present};
  for (std::size_t i = 0; i < std::min(kFinalists, order.size()); ++i) {
    best.push_back(scales[static_cast<std::size_t>(order[i])]);
  }
  return best;
}

void RowScaleSearch::improve_scales(const RowMatrix& weights, std::span<float> scales, const std::vector<double>& ratios,
                                    const QuantParams& params) const {
  const auto count = static_cast<Eigen::Index>(std::min(kFinalists, ratios.size())) + 1;
  std::vector<std::vector<float>> kept;
  RowMatrix candidates(weights.rows() * count, weights.cols());
  RowMatrix difference(candidates.rows(), candidates.cols());
  for (Eigen::Index out = 0; out < weights.rows(); ++out) {
    const Eigen::RowVectorXf w = weights.row(out);
    kept.push_back(finalists(w, scales[static_cast<std::size_t>(out)], ratios, params));
    candidates.middleRows(out * count, count) = quantized_rows(w, kept.back(), params);
    difference.middleRows(out * count, count) = differences(w, candidates.middleRows(out * count, count));
  }
  const Eigen::ArrayXf loss = exact_loss(difference);
  for (Eigen::Index out = 0; out < weights.rows(); ++out) {
    const Eigen::ArrayXf exact = score(weights.row(out), candidates.middleRows(out * count, count),
                                       difference.middleRows(out * count, count), loss.segment(out * count, count));
    std::size_t best = 0;
    for (std::size_t i = 1; i < kept[static_cast<std::size_t>(out)].size(); ++i) {
      if (exact[static_cast<Eigen::Index>(i)] < exact[static_cast<Eigen::Index>(best)]) best = i;
    }
    scales[static_cast<std::size_t>(out)] = kept[static_cast<std::size_t>(out)][best];
  }
}

}  // namespace nq
