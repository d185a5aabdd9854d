#include "quant/input_moments.hpp"

#include "quant/affine_grid.hpp"
#include "quant/gram.hpp"
#include "quant/row_products.hpp"

namespace nq {
namespace {

void centre(RowMatrix& rows, const Eigen::RowVectorXf& weight, const Eigen::VectorXf& root_weight) {
  const Eigen::RowVectorXf mean = (weight * rows) / weight.sum();
  rows.rowwise() -= mean;
  rows.array().colwise() *= root_weight.array();
}

}  // namespace

CentredRows centred_rows(const SiteInput& site, const SiteFit& fit) {
  const AffineGrid grid = affine_grid(fit.activation);
  const std::vector<float> silent(static_cast<std::size_t>(site.rows.cols), 0.0F);
  const float* noise = fit.noisy_bias.empty() ? silent.data() : fit.noisy_bias.data();
  CentredRows out{RowMatrix(site.rows.rows, site.rows.cols), RowMatrix(site.rows.rows, site.rows.cols), 0};
  for (std::int64_t row = 0; row < site.rows.rows; ++row) {
    const float* x = site.rows.row(row);
    float* v = out.quantized.row(row).data();
    float* e = out.error.row(row).data();
    for (std::int64_t c = 0; c < site.rows.cols; ++c) {
      v[c] = grid_round(x[c] + noise[c], grid) - noise[c];
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

RowMatrix quantized_gram(const CentredRows& rows) {
  const RowMatrix& v = rows.quantized;
  RowMatrix gram = gram_matrix({v.data(), v.rows(), v.cols(), v.cols()}, {});
  gram *= static_cast<float>(static_cast<double>(v.rows()) / rows.total_weight);
  return gram;
}

RowMatrix pooled_gram(const RowMatrix& gram, double total_weight, const CentredRows& more) {
  const double share = more.total_weight / (total_weight + more.total_weight);
  return gram * static_cast<float>(1.0 - share) + quantized_gram(more) * static_cast<float>(share);
}

RowMatrix weight_pull(const CentredRows& rows, const RowMatrix& weight) {
  // By the cheaper of its two orders.
  const bool few_outputs = 2 * weight.cols() < weight.rows();
  RowMatrix pull = few_outputs ? transposed_product(rows.quantized, product(rows.error, weight))
                               : product(transposed_product(rows.quantized, rows.error), weight);
  pull *= static_cast<float>(1.0 / rows.total_weight);
  return pull;
}

}  // namespace nq
