#include "nq/quant_params.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "core/rng.hpp"
#include "quant/quantizers.hpp"
#include "support/errors.hpp"

using namespace nq;

namespace {

std::vector<QuantParams> sample_params() {
  std::vector<QuantParams> all;
  for (int bits = 2; bits <= 8; ++bits) {
    all.push_back(symmetric_activation(3.7, bits));
    all.push_back(asymmetric_activation(-0.3, 5.1, bits));
    all.push_back(asymmetric_activation(-4.0, -1.0, bits));
    all.push_back(asymmetric_activation(2.0, 9.0, bits));
  }
  return all;
}

std::vector<float> sample_values() {
  std::vector<float> values = {0.0F, -0.0F, 1e-30F, -1e-30F, 1e30F, -1e30F};
  RandomStream stream(3, "values");
  for (int i = 0; i < 2000; ++i) values.push_back(static_cast<float>(4.0 * stream.normal()));
  return values;
}

std::int32_t code_of(float x, const QuantParams& p) {
  return quantize(x, p.scale[0], p.zero_point[0], p.qmin(), p.qmax());
}

}  // namespace

TEST_CASE("code ranges follow from bits and sign", "[quant]") {
  const QuantParams full{
      .bits = 6, .is_signed = true, .narrow = false, .axis = -1, .scale = {1}, .zero_point = {0}};
  CHECK(full.qmin() == -32);
  CHECK(full.qmax() == 31);
  const QuantParams narrow{
      .bits = 8, .is_signed = true, .narrow = true, .axis = 1, .scale = {1}, .zero_point = {0}};
  CHECK(narrow.qmin() == -127);
  CHECK(narrow.qmax() == 127);
  const QuantParams positive{
      .bits = 4, .is_signed = false, .narrow = false, .axis = -1, .scale = {1}, .zero_point = {0}};
  CHECK(positive.qmin() == 0);
  CHECK(positive.qmax() == 15);
}

TEST_CASE("quantize rounds half to even, saturates and maps NaN to the lowest code", "[quant]") {
  CHECK(quantize(0.5F, 1, 0, -8, 7) == 0);
  CHECK(quantize(1.5F, 1, 0, -8, 7) == 2);
  CHECK(quantize(-2.5F, 1, 0, -8, 7) == -2);
  CHECK(quantize(100.0F, 1, 0, -8, 7) == 7);
  CHECK(quantize(-std::numeric_limits<float>::infinity(), 1, 3, 0, 15) == 0);
  CHECK(quantize(std::numeric_limits<float>::quiet_NaN(), 1, 3, 0, 15) == 0);
}

TEST_CASE("quantizers are monotone, idempotent and within half a step inside the range", "[quant]") {
  for (const QuantParams& p : sample_params()) {
    CAPTURE(p.bits, p.is_signed, p.zero_point[0]);
    REQUIRE(p.zero_point[0] >= p.qmin());
    REQUIRE(p.zero_point[0] <= p.qmax());
    std::vector<float> values = sample_values();
    std::sort(values.begin(), values.end());
    const double low = static_cast<double>(dequantize(p.qmin(), p.scale[0], p.zero_point[0]));
    const double high = static_cast<double>(dequantize(p.qmax(), p.scale[0], p.zero_point[0]));
    std::int32_t previous = p.qmin();
    for (const float x : values) {
      const std::int32_t code = code_of(x, p);
      REQUIRE(code >= previous);
      REQUIRE(code <= p.qmax());
      previous = code;
      const float back = dequantize(code, p.scale[0], p.zero_point[0]);
      REQUIRE(code_of(back, p) == code);
      const double value = static_cast<double>(x);
      if (value < low || value > high) continue;
      // x / scale is rounded to float32 first, hence the relative slack of 2^-22.
      const double bound = 0.5 * static_cast<double>(p.scale[0]) + std::fabs(value) * 0x1.0p-22;
      REQUIRE(std::fabs(static_cast<double>(back) - value) <= bound);
    }
  }
}

TEST_CASE("fake_quant equals dequantize of quantize bit by bit", "[quant]") {
  std::vector<float> values = sample_values();
  values.push_back(std::numeric_limits<float>::quiet_NaN());
  values.push_back(std::numeric_limits<float>::infinity());
  for (int k = -70; k < 70; ++k) values.push_back(0.25F * static_cast<float>(k));
  for (QuantParams p : sample_params()) {
    for (const float scale : {p.scale[0], 0.5F}) {
      p.scale[0] = scale;
      std::vector<float> out(values.size());
      fake_quant(values, p, out);
      for (std::size_t i = 0; i < values.size(); ++i) {
        CAPTURE(values[i], scale);
        REQUIRE(out[i] == dequantize(code_of(values[i], p), scale, p.zero_point[0]));
      }
    }
  }
}

TEST_CASE("clipping in float before rounding gives the same codes", "[quant]") {
  for (const QuantParams& p : sample_params()) {
    const float low = dequantize(p.qmin(), p.scale[0], p.zero_point[0]);
    const float high = dequantize(p.qmax(), p.scale[0], p.zero_point[0]);
    for (const float x : sample_values()) {
      REQUIRE(code_of(std::clamp(x, low, high), p) == code_of(x, p));
    }
  }
}

TEST_CASE("an empty range gets the smallest scale instead of zero", "[quant]") {
  CHECK(symmetric_activation(0, 8).scale[0] == kMinScale);
  CHECK(asymmetric_activation(0, 0, 4).scale[0] == kMinScale);
  CHECK(symmetric_activation(1e-42, 8).scale[0] == kMinScale);
  const std::vector<float> weight = {0, 1, 0, -2};
  const QuantParams p = absmax_weight({weight.data(), 2, 2, 2}, 8);
  CHECK(p.scale[0] == kMinScale);
  CHECK(p.scale[1] == 2.0F / 127.0F);
  CHECK_ERROR(symmetric_activation(1, 17), usage, "17 bits");
}

TEST_CASE("weight codes round each output channel with its own scale", "[quant]") {
  const std::vector<float> weight = {1, -0.2F, -0.4F, 0.1F, 0.26F, 0.05F};
  const QuantParams p = absmax_weight({weight.data(), 3, 2, 2}, 3);
  const std::vector<WeightCode> codes = weight_codes({weight.data(), 3, 2, 2}, p);
  CHECK(codes == std::vector<WeightCode>{3, -3, -1, 2, 1, 1});
  const std::vector<float> values = dequantize_weight(codes, p);
  CHECK(values[0] == Approx(1.0F));
  CHECK(values[3] == Approx(2.0F * 0.2F / 3.0F));
}
