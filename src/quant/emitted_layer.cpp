#include "quant/emitted_layer.hpp"

#include "core/check.hpp"
#include "core/divide_up.hpp"
#include "core/parallel.hpp"
#include "quant/denoising.hpp"
#include "quant/quantizers.hpp"

namespace nq {
namespace {

kernels::StridedMatrix strided(const MatrixView& view) {
  return {view.data, view.rows, view.cols, view.stride, 1};
}

/// out = rows * weight + bias on the calling thread.
void multiply(const MatrixView& rows, const kernels::PackedMatrix& weight, std::span<const float> bias,
              float* out) {
  kernels::gemm_serial(strided(rows), weight.data(), weight.cols(), out, weight.cols(),
                       {.bias = bias.data()});
}

constexpr int kIntegerBits = 8;

bool fits_integer_kernel(const SiteFit& fit, std::int64_t depth) {
  return fit.weight.bits <= kIntegerBits && fit.activation.bits <= kIntegerBits && depth <= kernels::kMaxIntegerDepth;
}

kernels::QuantizedLinear integer_layer(const SiteInput& site, const SiteFit& fit) {
  const std::vector<std::int8_t> codes(fit.weight_codes.begin(), fit.weight_codes.end());
  kernels::IntegerWeight weight;
  weight.values = codes.data();
  weight.depth = site.weight.rows;
  weight.cols = weight.row_stride = site.weight.cols;
  weight.scales = fit.weight.scale;
  const QuantParams& grid = fit.activation;
  return {weight, {grid.scale[0], grid.zero_point[0], grid.qmin(), grid.qmax()}};
}

}  // namespace

EmittedLayer::EmittedLayer(const SiteInput& site, const SiteFit& fit)
    : grid_(affine_grid(fit.activation)),
      noise_(fit.noisy_bias),
      channel_scale_(fit.channel_scale),
      bias_(denoising_bias(site.bias, fit)),
      outliers_(fit.outlier_channels) {
  if (fits_integer_kernel(fit, site.weight.rows)) {
    integer_.emplace(integer_layer(site, fit));
  } else {
    const std::vector<float> values = dequantize_weight(fit.weight_codes, fit.weight);
    weight_ =
        kernels::PackedMatrix(kernels::StridedMatrix::dense(values.data(), site.weight.rows, site.weight.cols));
  }
  outlier_weight_.resize(static_cast<Eigen::Index>(outliers_.size()), site.weight.cols);
  for (std::size_t i = 0; i < outliers_.size(); ++i) {
    outlier_weight_.row(static_cast<Eigen::Index>(i)) = as_eigen(site.weight).row(outliers_[i]);
  }
}

RowMatrix EmittedLayer::shifted(const MatrixView& rows) const {
  RowMatrix x = as_eigen(rows);
  if (!channel_scale_.empty()) {
    x.array().rowwise() /= Eigen::Map<const Eigen::RowVectorXf>(channel_scale_.data(), x.cols()).array();
  }
  if (!noise_.empty()) x.rowwise() += Eigen::Map<const Eigen::RowVectorXf>(noise_.data(), x.cols());
  return x;
}

void EmittedLayer::run(const MatrixView& rows, RowMatrix& out) const {
  RowMatrix x = shifted(rows);
  out.resize(rows.rows, static_cast<Eigen::Index>(bias_.size()));
  if (integer_) {
    integer_->run(x.data(), rows.rows, out.data(), {.bias = bias_.data()});
  } else {
    const AffineGrid grid = grid_;
    for (Eigen::Index i = 0; i < x.size(); ++i) x.data()[i] = grid_round(x.data()[i], grid);
    multiply({x.data(), rows.rows, rows.cols, rows.cols}, weight_, bias_, out.data());
  }
  for (std::size_t i = 0; i < outliers_.size(); ++i) {
    out.noalias() += as_eigen(rows).col(outliers_[i]) * outlier_weight_.row(static_cast<Eigen::Index>(i));
  }
}

LossMeter::LossMeter(const SiteInput& site) : site_(site), reference_(site.rows.rows, site.weight.cols) {
  const kernels::PackedMatrix packed(strided(site.weight));
  parallel_for(0, site.rows.rows, kRowTile, [&](std::int64_t first, std::int64_t last) {
    multiply(row_range(site.rows, first, last), packed, site.bias, reference_.row(first).data());
  });
  for (const float weight : site.row_weight) total_weight_ += static_cast<double>(weight);
}

template <typename Accumulate>
std::vector<double> LossMeter::sum_rows(const SiteFit& fit, const Accumulate& accumulate) const {
  const EmittedLayer layer(site_, fit);
  const std::int64_t tiles = divide_up(site_.rows.rows, kRowTile);
  Eigen::ArrayXXd sums = Eigen::ArrayXXd::Zero(site_.weight.cols, tiles);
  parallel_for(0, site_.rows.rows, kRowTile, [&](std::int64_t first, std::int64_t last) {
    RowMatrix out;
    layer.run(row_range(site_.rows, first, last), out);
    auto sum = sums.col(first / kRowTile);
    for (std::int64_t row = first; row < last; ++row) {
      const double weight = static_cast<double>(site_.row_weight[static_cast<std::size_t>(row)]);
      sum += weight * accumulate((out.row(row - first) - reference_.row(row)).array()).transpose();
    }
  });
  std::vector<double> total(static_cast<std::size_t>(site_.weight.cols), 0.0);
  for (Eigen::Index tile = 0; tile < tiles; ++tile) {
    for (std::size_t out = 0; out < total.size(); ++out)
      total[out] += sums(static_cast<Eigen::Index>(out), tile);
  }
  for (double& value : total) value /= total_weight_;
  return total;
}

std::vector<double> LossMeter::channel_mse(const SiteFit& fit) const {
  return sum_rows(fit, [](const auto& error) { return error.template cast<double>().square(); });
}

std::vector<double> LossMeter::mean_error(const SiteFit& fit) const {
  return sum_rows(fit, [](const auto& error) { return error.template cast<double>(); });
}

double LossMeter::mse(const SiteFit& fit) const { return mean(channel_mse(fit)); }

double LossMeter::mean(std::span<const double> channel_mse) noexcept {
  double sum = 0;
  for (const double value : channel_mse) sum += value;
  return sum / static_cast<double>(channel_mse.size());
}

bool take_if_better(const LossMeter& meter, SiteFit trial, SiteFit& fit, std::vector<double>& channel_mse) {
  std::vector<double> trial_mse = meter.channel_mse(trial);
  if (!(LossMeter::mean(trial_mse) < LossMeter::mean(channel_mse))) return false;
  fit = std::move(trial);
  channel_mse = std::move(trial_mse);
  return true;
}

}  // namespace nq
