#include "quant/row_scale_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <utility>

#include "quant/affine_grid.hpp"
#include "quant/quantizers.hpp"
#include "quant/row_products.hpp"

namespace nq {
namespace {

constexpr Eigen::Index kFactorRank = 16;
constexpr std::size_t kFinalists = 1;
constexpr std::size_t kCoarseStep = 4;
constexpr std::size_t kRefined = 2;  // of the coarse multiples, those whose neighbours are tried
constexpr Eigen::Index kLanes = 16;

/// The parts of a score that are sums over channels: diagonal d^2 - 2 E[xe] d w_hat + E[e^2] w_hat^2.
struct ChannelTerms {
  const float* diagonal;
  const float* input_error;
  const float* error2;

  float at(Eigen::Index c, float candidate, float difference) const {
    return diagonal[c] * difference * difference + candidate * (error2[c] * candidate - 2.0F * input_error[c] * difference);
  }
};

/// Rounds w to the grid; writes w - w_hat and returns the sum of the terms, in fixed lanes so that it vectorizes.
float round_row(const Eigen::RowVectorXf& w, const AffineGrid& grid_in, const ChannelTerms& terms_in, float* difference) {
  const AffineGrid grid = grid_in;
  const ChannelTerms terms = terms_in;
  const float* in = w.data();
  std::array<float, kLanes> lanes{};
  const Eigen::Index whole = w.cols() / kLanes * kLanes;
  for (Eigen::Index first = 0; first < whole; first += kLanes) {
    for (Eigen::Index lane = 0; lane < kLanes; ++lane) {
      const Eigen::Index c = first + lane;
      const float candidate = grid_round(in[c], grid);
      difference[c] = in[c] - candidate;
      lanes[static_cast<std::size_t>(lane)] += terms.at(c, candidate, difference[c]);
    }
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (Eigen::Index c = whole; c < w.cols(); ++c) {
    const float candidate = grid_round(in[c], grid);
    difference[c] = in[c] - candidate;
    sum += terms.at(c, candidate, difference[c]);
  }
  return sum;
}

/// The same for several scales: rows `first` and on of `difference`.
Eigen::ArrayXf round_rows(const Eigen::RowVectorXf& w, std::span<const float> scales, const QuantParams& params,
                          const ChannelTerms& terms, RowMatrix& difference, Eigen::Index first = 0) {
  Eigen::ArrayXf sums(static_cast<Eigen::Index>(scales.size()));
  AffineGrid grid = affine_grid(params);
  for (Eigen::Index i = 0; i < sums.size(); ++i) {
    grid.scale = scales[static_cast<std::size_t>(i)];
    sums[i] = round_row(w, grid, terms, difference.row(first + i).data());
  }
  return sums;
}

}  // namespace

RowScaleSearch::RowScaleSearch(const RowMatrix& gram, ErrorMoments moments, Objective objective)
    : gram_(gram),
      packed_gram_(kernels::StridedMatrix::dense(gram.data(), gram.rows(), gram.cols())),
      factored_(factor_gram(gram, kFactorRank)),
      packed_factor_(
          kernels::StridedMatrix::dense(factored_.factor.data(), factored_.factor.rows(), factored_.factor.cols())),
      nothing_(Eigen::ArrayXf::Zero(gram.rows())),
      moments_(std::move(moments)),
      objective_(objective) {
  if (objective_ == Objective::mse && moments_.error2.size() != 0) return;
  moments_ = {nothing_, nothing_};  // the cosine is taken without them
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

Eigen::ArrayXf RowScaleSearch::coarse_scores(const Eigen::RowVectorXf& w, std::span<const float> scales,
                                             const QuantParams& params) const {
  RowMatrix difference(static_cast<Eigen::Index>(scales.size()), w.cols());
  const ChannelTerms terms{factored_.rest.data(), moments_.input_error.data(), moments_.error2.data()};
  const Eigen::ArrayXf sums = round_rows(w, scales, params, terms, difference);
  const Eigen::ArrayXf loss = sums + product_serial(difference, packed_factor_).rowwise().squaredNorm().array();
  return objective_ == Objective::cosine ? negative_cosine(w, difference, loss) : loss;
}

/// `present`, and the best few of its multiples: of every kCoarseStep-th one, and of the neighbours of the best.
std::vector<float> RowScaleSearch::finalists(const Eigen::RowVectorXf& w, float present,
                                             const std::vector<double>& ratios, const QuantParams& params) const {
  std::vector<std::pair<float, std::size_t>> ranked;  // score and index
  const auto rank = [&](const std::vector<std::size_t>& wanted) {
    std::vector<float> scales;
    for (const std::size_t index : wanted) scales.push_back(sane_scale(static_cast<double>(present) * ratios[index]));
    const Eigen::ArrayXf scores = coarse_scores(w, scales, params);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const float value = scores[static_cast<Eigen::Index>(i)];
      ranked.emplace_back(std::isnan(value) ? std::numeric_limits<float>::infinity() : value, wanted[i]);
    }
    std::sort(ranked.begin(), ranked.end());
  };
  std::vector<std::size_t> wanted;
  for (std::size_t index = 0; index < ratios.size(); index += kCoarseStep) wanted.push_back(index);
  rank(wanted);
  std::set<std::size_t> near;
  for (std::size_t i = 0; i < std::min(kRefined, ranked.size()); ++i) {
    const std::size_t centre = ranked[i].second;
    for (std::size_t index = centre - std::min(centre, kCoarseStep - 1); index < std::min(centre + kCoarseStep, ratios.size()); ++index) {
      if (index % kCoarseStep != 0) near.insert(index);
    }
  }
  if (!near.empty()) rank({near.begin(), near.end()});
  std::vector<float> best = {present};
  for (std::size_t i = 0; i < std::min(kFinalists, ranked.size()); ++i) {
    best.push_back(sane_scale(static_cast<double>(present) * ratios[ranked[i].second]));
  }
  return best;
}

void RowScaleSearch::improve_scales(const RowMatrix& weights, std::span<float> scales, const std::vector<double>& ratios,
                                    const QuantParams& params) const {
  const auto count = static_cast<Eigen::Index>(std::min(kFinalists, ratios.size())) + 1;
  const ChannelTerms terms{nothing_.data(), moments_.input_error.data(), moments_.error2.data()};
  std::vector<std::vector<float>> kept;
  RowMatrix difference(weights.rows() * count, weights.cols());
  Eigen::ArrayXf loss(difference.rows());
  for (Eigen::Index out = 0; out < weights.rows(); ++out) {
    kept.push_back(finalists(weights.row(out), scales[static_cast<std::size_t>(out)], ratios, params));
    loss.segment(out * count, count) = round_rows(weights.row(out), kept.back(), params, terms, difference, out * count);
  }
  loss += (product_serial(difference, packed_gram_).array() * difference.array()).rowwise().sum();
  for (Eigen::Index out = 0; out < weights.rows(); ++out) {
    Eigen::ArrayXf score = loss.segment(out * count, count);
    if (objective_ == Objective::cosine) score = negative_cosine(weights.row(out), difference.middleRows(out * count, count), score);
    Eigen::Index best = 0;
    for (Eigen::Index i = 1; i < count; ++i) {
      if (score[i] < score[best]) best = i;
    }
    scales[static_cast<std::size_t>(out)] = kept[static_cast<std::size_t>(out)][static_cast<std::size_t>(best)];
  }
}

}  // namespace nq
