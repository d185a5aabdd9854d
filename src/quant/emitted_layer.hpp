#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/gemm.hpp"
#include "kernels/quantized_linear.hpp"
#include "nq/method.hpp"
#include "quant/affine_grid.hpp"
#include "quant/dense.hpp"

namespace nq {

/// The quantized layer as the emitted file computes it:
/// y = fake_quant(x / channel_scale + N) Wq + x[outlier_channels] W[outlier_channels] + B'.
///
/// Up to 8 bits the product is the integer kernel that runs the emitted file, several times faster than the float one.
class EmittedLayer {
 public:
  EmittedLayer(const SiteInput& site, const SiteFit& fit);

  /// Output [rows, c_out] of some rows of the layer input.
  void run(const MatrixView& rows, RowMatrix& out) const;

 private:
  /// x / channel_scale + N, dense.
  RowMatrix shifted(const MatrixView& rows) const;

  AffineGrid grid_;
  std::vector<float> noise_;
  std::vector<float> channel_scale_;
  std::optional<kernels::QuantizedLinear> integer_;
  kernels::PackedMatrix weight_;  ///< without integer_: dequantized, [c_in, c_out]
  std::vector<float> bias_;
  std::vector<std::int32_t> outliers_;
  RowMatrix outlier_weight_;  ///< float rows of W, [outliers, c_out]
};

/// Float output and loss of one site; holds the FP32 output of every sampled row.
class LossMeter {
 public:
  explicit LossMeter(const SiteInput& site);

  /// Mean squared error of the emitted layer's output against FP32 over tokens (by row weight)
  /// and output channels.
  double mse(const SiteFit& fit) const;

  /// The same per output channel, [c_out]; mse() is its mean.
  std::vector<double> channel_mse(const SiteFit& fit) const;
  static double mean(std::span<const double> channel_mse) noexcept;

  /// Mean over tokens of (emitted output - FP32 output), [c_out].
  std::vector<double> mean_error(const SiteFit& fit) const;

  const RowMatrix& reference() const noexcept { return reference_; }
  double total_weight() const noexcept { return total_weight_; }

 private:
  template <typename Accumulate>
  std::vector<double> sum_rows(const SiteFit& fit, const Accumulate& accumulate) const;

  const SiteInput& site_;
  RowMatrix reference_;  ///< [rows, c_out]
  double total_weight_ = 0;
};

/// Makes `trial` the fit, and its loss `channel_mse`, when the measured loss falls. Tells whether it did.
bool take_if_better(const LossMeter& meter, SiteFit trial, SiteFit& fit, std::vector<double>& channel_mse);

}  // namespace nq
