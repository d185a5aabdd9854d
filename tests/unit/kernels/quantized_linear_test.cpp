#include "kernels/quantized_linear.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "kernels/rows.hpp"

using namespace nq;
using namespace nq::kernels;
using namespace nq::test;

namespace {

struct Case {
  std::int64_t rows, depth, cols;
  ActivationGrid grid;
};

std::vector<std::int8_t> random_weights(std::int64_t count) {
  RandomStream stream(2, "weights");
  std::vector<std::int8_t> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<std::int8_t>(static_cast<int>(stream.next() % 256) - 128));
  }
  return values;
}

/// QuantizeLinear with a narrower grid, one value.
std::int32_t quantized(float x, const ActivationGrid& grid) {
  const float value = std::nearbyint(x / grid.scale) + static_cast<float>(grid.zero_point);
  return static_cast<std::int32_t>(
      std::max(static_cast<float>(grid.qmin), std::min(static_cast<float>(grid.qmax), value)));
}

}  // namespace

TEST_CASE("quantized layers have exact sums in every setting", "[kernels]") {
  const Case c = GENERATE(Case{1, 1, 1, {0.05F, 3, 0, 255}}, Case{13, 30, 17, {0.02F, 128, 0, 255}},
                          Case{29, 65, 40, {0.03F, -5, -128, 127}}, Case{100, 192, 70, {0.2F, 31, 0, 63}},
                          Case{171, 770, 33, {0.4F, 0, -8, 7}}, Case{430, 68, 33, {0.02F, 120, 0, 255}},
                          Case{40, 64, 300, {0.03F, 7, -128, 127}}, Case{3, 0, 5, {0.1F, 1, 0, 255}});
  const Activation activation = GENERATE(Activation::none, Activation::relu);
  const auto x = normal_floats("x", c.rows * c.depth);
  const auto w = random_weights(c.depth * c.cols);
  auto scales = normal_floats("scales", c.cols);
  const auto bias = normal_floats("bias", c.cols);
  const auto residual = normal_floats("residual", c.rows * c.cols);
  std::vector<float> expected;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    for (std::int64_t col = 0; col < c.cols; ++col) {
      std::int64_t sum = 0;
      for (std::int64_t k = 0; k < c.depth; ++k) {
        sum += (quantized(x[row * c.depth + k], c.grid) - c.grid.zero_point) * w[k * c.cols + col];
      }
      const float value = static_cast<float>(sum) * (c.grid.scale * scales[col]) + bias[col];
      expected.push_back((activation == Activation::relu ? std::max(0.0F, value) : value) + residual[row * c.cols + col]);
    }
  }
  for_each_setting([&] {
    const QuantizedLinear layer({w.data(), c.depth, c.cols, c.cols, 1, scales}, c.grid);
    std::vector<float> y(expected.size());
    layer.run(x.data(), c.rows, y.data(), {bias.data(), residual.data(), activation});
    CHECK(bits(y) == bits(expected));
  });
}

TEST_CASE("extreme values do not saturate on the way", "[kernels]") {
  // 255 * -128 in every place: a byte multiply-add with 16-bit saturation would be wrong here.
  const std::int64_t depth = 512;
  const std::vector<std::int8_t> w(static_cast<std::size_t>(depth * 16), -128);
  const std::vector<float> x(static_cast<std::size_t>(depth), 1000.0F);
  const std::vector<float> scales{1.0F};
  for_each_setting([&] {
    const QuantizedLinear layer({w.data(), depth, 16, 16, 1, scales}, {1.0F, 0, 0, 255});
    std::vector<float> y(16);
    layer.run(x.data(), 1, y.data());
    CHECK(y == std::vector<float>(16, -255.0F * 128.0F * 512.0F));
  });
}

TEST_CASE("quantization rounds half to even, saturates, and sends NaN to the lowest code", "[kernels]") {
  const std::vector<float> x{0.5F, 1.5F, 2.5F, -0.5F, -1e9F, 1e9F, NAN, INFINITY, -INFINITY, 3.0F};
  for_each_setting([&] {
    std::vector<std::uint8_t> y(x.size());
    active_table().quantize({1.0F, 10.0F, 2.0F, 200.0F}, x.data(), y.data(), 10);
    CHECK(y == std::vector<std::uint8_t>{10, 12, 12, 10, 2, 200, 2, 200, 2, 13});
  });
}
