#include "quant/quantizers.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/parallel.hpp"
#include "quant/affine_grid.hpp"

namespace nq {
namespace {

constexpr std::int64_t kRowGrain = 64;

void check_bits(int bits) { NQ_CHECK(bits >= 2 && bits <= kMaxBits, usage, "{} bits is outside 2..{}", bits, kMaxBits); }

}  // namespace

float sane_scale(double scale) noexcept {
  const float rounded = static_cast<float>(scale);
  return rounded >= kMinScale ? rounded : kMinScale;
}

QuantParams symmetric_activation(double absmax, int bits) {
  check_bits(bits);
  QuantParams params{
      .bits = bits, .is_signed = true, .narrow = false, .axis = -1, .scale = {}, .zero_point = {0}};
  params.scale = {sane_scale(absmax / params.qmax())};
  return params;
}

QuantParams asymmetric_activation(double low, double high, int bits) {
  check_bits(bits);
  QuantParams params{
      .bits = bits, .is_signed = false, .narrow = false, .axis = -1, .scale = {}, .zero_point = {0}};
  const double lowest = std::min(low, 0.0);
  const double highest = std::max(high, 0.0);
  params.scale = {sane_scale((highest - lowest) / params.qmax())};
  const double zero = std::nearbyint(-lowest / static_cast<double>(params.scale[0]));
  params.zero_point[0] = static_cast<std::int32_t>(std::clamp(zero, 0.0, static_cast<double>(params.qmax())));
  return params;
}

QuantParams activation_params(double low, double high, int bits, bool symmetric) {
  if (symmetric) return symmetric_activation(std::max(std::abs(low), std::abs(high)), bits);
  return asymmetric_activation(low, high, bits);
}

QuantParams absmax_weight(const MatrixView& weight, int bits) {
  check_bits(bits);
  QuantParams params{
      .bits = bits, .is_signed = true, .narrow = true, .axis = 1, .scale = {}, .zero_point = {}};
  const auto channels = static_cast<std::size_t>(weight.cols);
  std::vector<float> absmax(channels, 0.0F);
  for (std::int64_t row = 0; row < weight.rows; ++row) {
    const float* values = weight.row(row);
    for (std::size_t out = 0; out < channels; ++out)
      absmax[out] = std::max(absmax[out], std::fabs(values[out]));
  }
  params.zero_point.assign(channels, 0);
  params.scale.resize(channels);
  for (std::size_t out = 0; out < channels; ++out) {
    params.scale[out] = sane_scale(static_cast<double>(absmax[out]) / params.qmax());
  }
  return params;
}

std::vector<WeightCode> weight_codes(const MatrixView& weight, const QuantParams& params) {
  NQ_ASSERT(params.axis == 1 && params.is_signed &&
            static_cast<std::int64_t>(params.scale.size()) == weight.cols);
  std::vector<WeightCode> codes(static_cast<std::size_t>(weight.rows * weight.cols));
  parallel_for(0, weight.rows, kRowGrain, [&](std::int64_t first, std::int64_t last) {
    AffineGrid grid = affine_grid(params);
    for (std::int64_t row = first; row < last; ++row) {
      const float* values = weight.row(row);
      WeightCode* out = codes.data() + row * weight.cols;
      for (std::int64_t col = 0; col < weight.cols; ++col) {
        grid.scale = params.scale[static_cast<std::size_t>(col)];
        out[col] = static_cast<WeightCode>(grid_code(values[col], grid));
      }
    }
  });
  return codes;
}

std::vector<float> dequantize_weight(std::span<const WeightCode> codes, const QuantParams& params) {
  const std::size_t channels = params.scale.size();
  std::vector<float> values(codes.size());
  for (std::size_t i = 0, out = 0; i < codes.size(); ++i) {
    values[i] = static_cast<float>(codes[i]) * params.scale[out];
    if (++out == channels) out = 0;
  }
  return values;
}

}  // namespace nq
