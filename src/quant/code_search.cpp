#include "quant/code_search.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/check.hpp"
#include "core/parallel.hpp"
#include "quant/affine_grid.hpp"
#include "quant/quantizers.hpp"
#include "quant/row_products.hpp"

namespace nq {
namespace {

// Of the mean diagonal. Few images know little of the rare directions; this much keeps the codes
// close to the weight there, which pays on other images (docs/quantization.md).
constexpr float kDamping = 0.2F;
constexpr int kMaxDampings = 8;
constexpr std::int64_t kOutputBlock = 48;
constexpr Eigen::Index kChannelBlock = 32;

/// Unit lower L of the symmetric matrix = L D L^T; the damping grows until the factorization exists.
RowMatrix unit_lower(RowMatrix matrix, float damping) {
  Eigen::LLT<Eigen::MatrixXf> factorization;
  for (int attempt = 0; attempt < kMaxDampings; ++attempt) {
    factorization.compute(Eigen::Map<const Eigen::MatrixXf>(matrix.data(), matrix.rows(), matrix.cols()));
    if (factorization.info() == Eigen::Success) break;
    matrix.diagonal().array() += damping;
    damping *= 10.0F;
  }
  NQ_ASSERT(factorization.info() == Eigen::Success);
  RowMatrix lower = factorization.matrixL();
  const Eigen::RowVectorXf diagonal = lower.diagonal();
  lower.array().rowwise() /= diagonal.array();
  return lower;
}

/// Codes of one input channel for a block of outputs; `target` [outputs].
void round_channel(const float* target, const float* scale, const AffineGrid& limits, Eigen::Index count,
                   float* codes) {
  for (Eigen::Index out = 0; out < count; ++out) {
    const AffineGrid grid{scale[out], limits.lowest, limits.highest};
    codes[out] = grid_code(target[out], grid);
  }
}

}  // namespace

CodeSearch::CodeSearch(const RowMatrix& gram) : damped_(gram), order_(static_cast<std::size_t>(gram.rows())) {
  const float mean_diagonal = gram.diagonal().mean();
  const float damping = kDamping * (mean_diagonal > 0 ? mean_diagonal : 1.0F);
  damped_.diagonal().array() += damping;
  std::iota(order_.begin(), order_.end(), 0);
  std::stable_sort(order_.begin(), order_.end(),
                   [&](Eigen::Index a, Eigen::Index b) { return damped_(a, a) < damped_(b, b); });
  const auto channels = static_cast<Eigen::Index>(order_.size());
  RowMatrix ordered(channels, channels);
  for (Eigen::Index a = 0; a < channels; ++a) {
    for (Eigen::Index b = 0; b < channels; ++b) {
      ordered(a, b) = damped_(order_[static_cast<std::size_t>(a)], order_[static_cast<std::size_t>(b)]);
    }
  }
  lower_ = unit_lower(std::move(ordered), damping);
}

RowMatrix CodeSearch::round_with_feedback(const RowMatrix& weight, const QuantParams& params) const {
  const Eigen::Index channels = weight.rows();
  const AffineGrid limits = affine_grid(params);
  RowMatrix codes(channels, weight.cols());
  parallel_for(0, weight.cols(), kOutputBlock, [&](std::int64_t first, std::int64_t last) {
    const Eigen::Index count = last - first;
    const float* scale = params.scale.data() + first;
    const Eigen::Map<const Eigen::RowVectorXf> scales(scale, count);
    RowMatrix ordered(channels, count);
    for (Eigen::Index k = 0; k < channels; ++k) {
      ordered.row(k) = weight.row(order_[static_cast<std::size_t>(k)]).segment(first, count);
    }
    RowMatrix target = ordered;
    RowMatrix error = RowMatrix::Zero(channels, count);
    Eigen::RowVectorXf chosen(count);
    for (Eigen::Index end = channels; end > 0;) {
      const Eigen::Index begin = std::max<Eigen::Index>(0, end - kChannelBlock);
      for (Eigen::Index k = end - 1; k >= begin; --k) {
        round_channel(target.row(k).data(), scale, limits, count, chosen.data());
        codes.row(order_[static_cast<std::size_t>(k)]).segment(first, count) = chosen;
        error.row(k) = ordered.row(k) - chosen.cwiseProduct(scales);
        for (Eigen::Index j = begin; j < k; ++j) target.row(j) += lower_(k, j) * error.row(k);
      }
      target.topRows(begin).noalias() +=
          lower_.block(begin, 0, end - begin, begin).transpose() * error.middleRows(begin, end - begin);
      end = begin;
    }
  });
  return codes;
}

void CodeSearch::descend(const RowMatrix& weight, RowMatrix& codes, QuantParams& params, int sweeps) const {
  const Eigen::Index channels = weight.rows();
  const AffineGrid limits = affine_grid(params);
  const kernels::PackedMatrix packed(kernels::StridedMatrix::dense(damped_.data(), channels, channels));
  parallel_for(0, weight.cols(), kOutputBlock, [&](std::int64_t first, std::int64_t last) {
    const Eigen::Index count = last - first;
    RowMatrix z = codes.middleCols(first, count).transpose();
    const RowMatrix wh = product_serial(RowMatrix(weight.middleCols(first, count).transpose()), packed);
    RowMatrix zh = product_serial(z, packed);
    for (Eigen::Index out = 0; out < count; ++out) {
      float& scale = params.scale[static_cast<std::size_t>(first + out)];
      float* zo = z.row(out).data();
      float* zho = zh.row(out).data();
      for (int sweep = 0; sweep < sweeps; ++sweep) {
        bool changed = false;
        for (Eigen::Index c = 0; c < channels; ++c) {
          // The 1-D minimizer over real codes; the nearest code in range is the best integer.
          const float wanted = zo[c] + (wh(out, c) / scale - zho[c]) / damped_(c, c);
          const float code = std::nearbyint(std::clamp(wanted, limits.lowest, limits.highest));
          const float step = code - zo[c];
          if (step == 0.0F) continue;
          zo[c] = code;
          zh.row(out) += step * damped_.row(c);
          changed = true;
        }
        const double overlap = wh.row(out).cast<double>().dot(z.row(out).cast<double>());
        const double norm = zh.row(out).cast<double>().dot(z.row(out).cast<double>());
        if (norm > 0 && overlap > 0) scale = sane_scale(overlap / norm);
        if (!changed) break;
      }
    }
    codes.middleCols(first, count) = z.transpose();
  });
}

std::vector<double> CodeSearch::losses(const RowMatrix& weight, const RowMatrix& codes,
                                       const QuantParams& params) const {
  const Eigen::Map<const Eigen::RowVectorXf> scales(params.scale.data(), weight.cols());
  const RowMatrix difference = weight - codes * scales.asDiagonal();
  const RowMatrix product = damped_ * difference;
  const Eigen::RowVectorXd sums =
      (product.cast<double>().array() * difference.cast<double>().array()).colwise().sum();
  return {sums.data(), sums.data() + sums.size()};
}

}  // namespace nq
