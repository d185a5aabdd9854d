#include "quant/input_moments.hpp"

#include <algorithm>
#include <cmath>

#include "core/parallel.hpp"
#include "quant/affine_grid.hpp"
#include "quant/gram.hpp"

namespace nq {
namespace {

constexpr std::int64_t kColumnBlock = 96;
constexpr std::int64_t kRowChunk = 512;

void centre(RowMatrix& rows, const Eigen::RowVectorXf& weight, const Eigen::VectorXf& root_weight) {
  const Eigen::RowVectorXf mean = (weight * rows) / weight.sum();
  rows.rowwise() -= mean;
  rows.array().colwise() *= root_weight.array();
}

/// a^T b, [a.cols, b.cols]; each task owns a block of columns and adds the row chunks in order.
RowMatrix transposed_product(const RowMatrix& a, const RowMatrix& b) {
  RowMatrix product = RowMatrix::Zero(a.cols(), b.cols());
  parallel_for(0, b.cols(), kColumnBlock, [&](std::int64_t first, std::int64_t last) {
    auto block = product.middleCols(first, last - first);
    for (Eigen::Index row = 0; row < a.rows(); row += kRowChunk) {
      const Eigen::Index count = std::min<Eigen::Index>(kRowChunk, a.rows() - row);
      block.noalias() += a.middleRows(row, count).transpose() * b.block(row, first, count, last - first);
    }
  });
  return product;
}

}  // namespace

CentredRows centred_rows(const SiteInput& site, const SiteFit& fit) {
  const AffineGrid grid = affine_grid(fit.activation);
  CentredRows out{RowMatrix(site.rows.rows, site.rows.cols), RowMatrix(site.rows.rows, site.rows.cols), 0};
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const float* x = site.rows.row(row);
    float* v = out.quantized.row(row).data();
    float* e = out.error.row(row).data();
    for (std::int64_t c = 0; c < site.rows.cols; ++c) {
      const float n = fit.noisy_bias.empty() ? 0.0F : fit.noisy_bias[static_cast<std::size_t>(c)];
      v[c] = grid_round(x[c] + n, grid) - n;
      e[c] = x[c] - v[c];
    }
  }
  const Eigen::Map<const Eigen::RowVectorXf> weight(site.row_weight.data(), site.rows.rows);
  const Eigen::VectorXf root_weight = weight.transpose().cwiseSqrt();
  centre(out.quantized, weight, root_weight);
  centre(out.error, weight, root_weight);
  for (const float value : site.row_weight) out.total_weight += static_cast<double>(value);
  return out;
}

InputMoments input_moments(const CentredRows& rows) {
  const RowMatrix& v = rows.quantized;
  InputMoments moments{gram_matrix({v.data(), v.rows(), v.cols(), v.cols()}, {}), {}};
  moments.gram *= static_cast<float>(static_cast<double>(v.rows()) / rows.total_weight);
  moments.cross = transposed_product(v, rows.error) * static_cast<float>(1.0 / rows.total_weight);
  return moments;
}

}  // namespace nq
