#include "quant/output_probe.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/rng.hpp"
#include "quant/quantizers.hpp"
#include "quant/row_products.hpp"

namespace nq {
namespace {

constexpr std::uint64_t kSketchSeed = 0x5EED0FAC7;

RowMatrix sign_matrix(std::int64_t rows, std::int64_t columns, const std::string& name) {
  RandomStream stream(kSketchSeed, name);
  const float magnitude = 1.0F / std::sqrt(static_cast<float>(columns));
  RowMatrix matrix(rows, columns);
  for (Eigen::Index i = 0; i < matrix.size(); ++i) {
    matrix.data()[i] = (stream.next() >> 63) != 0 ? magnitude : -magnitude;
  }
  return matrix;
}

/// v = grid_round(x + noise) - noise for a tile of rows.
void quantize_tile(const RowMatrix& rows, Eigen::Index first, const AffineGrid& grid_in,
                   std::span<const float> noise, RowMatrix& out) {
  const AffineGrid grid = grid_in;
  const Eigen::Index channels = rows.cols();
  for (Eigen::Index row = 0; row < out.rows(); ++row) {
    const float* x = rows.row(first + row).data();
    float* v = out.row(row).data();
    if (noise.empty()) {
      for (Eigen::Index c = 0; c < channels; ++c) v[c] = grid_round(x[c], grid);
    } else {
      const float* n = noise.data();
      for (Eigen::Index c = 0; c < channels; ++c) v[c] = grid_round(x[c] + n[c], grid) - n[c];
    }
  }
}

}  // namespace

double ProbeSums::cosine() const noexcept {
  const double norms = std::sqrt(reference2) * std::sqrt(output2);
  return norms > 0 ? cross / norms : 0.0;
}

OutputProbe::OutputProbe(const SiteInput& site, Size size) {
  const std::int64_t count = std::min(size.rows, site.rows.rows);
  rows_.resize(count, site.rows.cols);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t row = (2 * i + 1) * site.rows.rows / (2 * count);
    rows_.row(i) = as_eigen(site.rows).row(row);
    row_weight_.push_back(site.row_weight[static_cast<std::size_t>(row)]);
  }
  if (site.weight.cols > size.columns) sketch_ = sign_matrix(site.weight.cols, size.columns, site.name);
  const RowMatrix bias = Eigen::Map<const RowMatrix>(site.bias.data(), 1, site.weight.cols);
  bias_ = project(bias);
  reference_ = product(rows_, project(as_eigen(site.weight)));
  reference_.rowwise() += bias_;
}

RowMatrix OutputProbe::project(const RowMatrix& matrix) const {
  if (sketch_.size() == 0) return matrix;
  return product(matrix, sketch_);
}

void OutputProbe::set_weight(const SiteFit& fit) {
  const std::vector<float> values = dequantize_weight(fit.weight_codes, fit.weight);
  const RowMatrix projected = project(Eigen::Map<const RowMatrix>(
      values.data(), rows_.cols(), static_cast<Eigen::Index>(fit.weight.scale.size())));
  weight_ = kernels::PackedMatrix(
      kernels::StridedMatrix::dense(projected.data(), projected.rows(), projected.cols()));
}

ProbeSums OutputProbe::evaluate(const AffineGrid& grid, std::span<const float> noise) const {
  NQ_ASSERT(weight_.depth() == rows_.cols());
  ProbeSums sums;
  Eigen::RowVectorXd mean = Eigen::RowVectorXd::Zero(reference_.cols());
  double total_weight = 0;
  RowMatrix tile;
  RowMatrix out;
  for (Eigen::Index first = 0; first < rows_.rows(); first += kRowTile) {
    tile.resize(std::min<Eigen::Index>(kRowTile, rows_.rows() - first), rows_.cols());
    quantize_tile(rows_, first, grid, noise, tile);
    out.resize(tile.rows(), weight_.cols());
    kernels::gemm_serial(kernels::StridedMatrix::dense(tile.data(), tile.rows(), tile.cols()), weight_.data(),
                         weight_.cols(), out.data(), out.cols(), {.bias = bias_.data()});
    for (Eigen::Index row = 0; row < out.rows(); ++row) {
      const auto q = out.row(row);
      const auto o = reference_.row(first + row);
      const double weight = static_cast<double>(row_weight_[static_cast<std::size_t>(first + row)]);
      sums.error2 += weight * static_cast<double>((q - o).squaredNorm());
      sums.reference2 += weight * static_cast<double>(o.squaredNorm());
      sums.cross += weight * static_cast<double>(o.dot(q));
      sums.output2 += weight * static_cast<double>(q.squaredNorm());
      mean += weight * (q - o).cast<double>();
      total_weight += weight;
    }
  }
  sums.centred_error2 = std::max(0.0, sums.error2 - mean.squaredNorm() / total_weight);
  return sums;
}

}  // namespace nq
