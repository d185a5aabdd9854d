#include "quant/gram.hpp"

#include <algorithm>
#include <cmath>

#include "core/parallel.hpp"
#include "quant/row_products.hpp"

namespace nq {
namespace {

constexpr std::int64_t kColumnBlock = 96;

}  // namespace

RowMatrix gram_matrix(const MatrixView& rows, std::span<const float> row_weight) {
  RowMatrix scaled = as_eigen(rows);
  double total = static_cast<double>(rows.rows);
  if (!row_weight.empty()) {
    total = 0;
    for (const float weight : row_weight) total += static_cast<double>(weight);
    for (Eigen::Index row = 0; row < scaled.rows(); ++row) {
      const float weight = row_weight[static_cast<std::size_t>(row)];
      if (weight != 1.0F) scaled.row(row) *= std::sqrt(weight);
    }
  }
  const Eigen::Index channels = scaled.cols();
  RowMatrix gram = RowMatrix::Zero(channels, channels);
  // Each task owns a block of columns from the diagonal down.
  parallel_for(0, channels, kColumnBlock, [&](std::int64_t first, std::int64_t last) {
    const MatrixView below{scaled.data() + first, scaled.rows(), channels - first, channels};
    const MatrixView block{scaled.data() + first, scaled.rows(), last - first, channels};
    add_transposed_product(below, block, gram.data() + first * channels + first, channels);
  });
  gram *= static_cast<float>(1.0 / total);
  gram.triangularView<Eigen::StrictlyUpper>() = gram.transpose();
  return gram;
}

FactoredGram factor_gram(const RowMatrix& gram, Eigen::Index rank) {
  const Eigen::Index channels = gram.rows();
  FactoredGram out;
  out.factor = RowMatrix::Zero(channels, std::min(rank, channels));
  out.rest = gram.diagonal().cwiseMax(0.0F);
  for (Eigen::Index k = 0; k < out.factor.cols(); ++k) {
    Eigen::Index pivot = 0;
    const float largest = out.rest.maxCoeff(&pivot);
    if (!(largest > 0)) break;
    Eigen::VectorXf column = gram.col(pivot);
    column.noalias() -= out.factor.leftCols(k) * out.factor.row(pivot).head(k).transpose();
    column /= std::sqrt(largest);
    out.factor.col(k) = column;
    out.rest = (out.rest.array() - column.array().square()).max(0.0F);
    out.rest(pivot) = 0;
  }
  return out;
}

}  // namespace nq
