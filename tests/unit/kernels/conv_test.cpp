#include "kernels/conv.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace nq;
using namespace nq::kernels;
using namespace nq::test;

namespace {

WindowAxis axis(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                std::int64_t pad_begin, std::int64_t pad_end) {
  WindowAxis result{in, 0, kernel, stride, dilation, pad_begin, pad_end};
  result.out = (in + pad_begin + pad_end - (kernel - 1) * dilation - 1) / stride + 1;
  return result;
}

ConvShape shape_of(std::int64_t groups, std::int64_t c_in, std::int64_t c_out,
                   std::array<WindowAxis, 3> axes) {
  ConvShape shape;
  shape.batch = 2;
  shape.groups = groups;
  shape.c_in = c_in;
  shape.c_out = c_out;
  shape.window.axes = axes;
  return shape;
}

/// The definition, one output at a time; padded taps are left out.
std::vector<float> naive_conv(const ConvShape& s, const std::vector<float>& x, const std::vector<float>& w,
                              const std::vector<float>& bias) {
  const auto& axes = s.window.axes;
  std::vector<float> y;
  for (std::int64_t image = 0; image < s.batch; ++image) {
    for (std::int64_t channel = 0; channel < s.groups * s.c_out; ++channel) {
      for (std::int64_t at = 0; at < s.window.out_positions(); ++at) {
        const std::int64_t place[3] = {at / axes[2].out / axes[1].out, at / axes[2].out % axes[1].out,
                                       at % axes[2].out};
        float sum = 0.0F;
        for (std::int64_t k = 0; k < s.depth(); ++k) {
          const auto tap = s.window.tap(k % s.window.taps());
          std::int64_t offset = (image * s.groups + channel / s.c_out) * s.c_in + k / s.window.taps();
          bool inside = true;
          for (std::size_t i = 0; i < 3; ++i) {
            const std::int64_t position = axes[i].position(place[i], tap[i]);
            inside = inside && position >= 0 && position < axes[i].in;
            offset = offset * axes[i].in + position;
          }
          if (inside) sum = std::fma(w[channel * s.depth() + k], x[offset], sum);
        }
        y.push_back(sum + bias[channel]);
      }
    }
  }
  return y;
}

}  // namespace

TEST_CASE("convolutions equal the plain loops bit for bit", "[kernels]") {
  const WindowAxis one;
  const ConvShape shape = GENERATE_COPY(
      shape_of(1, 3, 20, {one, axis(32, 16, 16, 1, 0, 0), axis(48, 16, 16, 1, 0, 0)}),
      shape_of(1, 5, 7, {one, axis(13, 3, 1, 1, 1, 1), axis(11, 3, 1, 1, 1, 1)}),
      shape_of(2, 4, 6, {one, axis(14, 3, 2, 2, 2, 1), axis(15, 5, 3, 1, 0, 4)}),
      shape_of(6, 1, 1, {one, axis(14, 7, 1, 1, 3, 3), axis(14, 7, 1, 1, 3, 3)}),
      shape_of(1, 40, 33, {one, one, axis(50, 1, 1, 1, 0, 0)}),
      shape_of(3, 2, 4, {axis(5, 2, 1, 1, 1, 0), axis(6, 3, 2, 1, 1, 1), axis(7, 3, 1, 2, 2, 2)}));
  const auto x = normal_floats("x", shape.batch * shape.groups * shape.c_in * shape.window.in_positions());
  const auto w = normal_floats("w", shape.groups * shape.c_out * shape.depth());
  const auto bias = normal_floats("bias", shape.groups * shape.c_out);
  const auto expected = bits(naive_conv(shape, x, w, bias));
  for_each_setting([&] {
    std::vector<float> y(expected.size());
    conv(shape, x.data(), w.data(), bias.data(), y.data());
    CHECK(bits(y) == expected);
    conv_direct<float, float, float>(shape, x.data(), w.data(), 0.0F, nullptr, bias.data(), y.data());
    CHECK(bits(y) == expected);
  });
}

TEST_CASE("a transposed convolution is the adjoint of the convolution", "[kernels]") {
  const WindowAxis one;
  const ConvShape shape = shape_of(2, 3, 5, {one, axis(11, 3, 2, 1, 1, 1), axis(9, 4, 1, 2, 2, 3)});
  const auto x = normal_floats("x", shape.batch * 6 * shape.window.in_positions());
  const auto w = normal_floats("w", 10 * shape.depth());
  const auto g = normal_floats("g", shape.batch * 10 * shape.window.out_positions());
  for_each_setting([&] {
    std::vector<float> y(g.size());
    conv(shape, x.data(), w.data(), nullptr, y.data());
    ConvShape adjoint = shape;
    std::swap(adjoint.c_in, adjoint.c_out);
    std::vector<float> back(x.size());
    std::vector<float> scratch(conv_transpose_scratch(adjoint));
    conv_transpose(adjoint, g.data(), w.data(), nullptr, back.data(), scratch.data());
    double left = 0.0;
    double right = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) left += static_cast<double>(y[i]) * static_cast<double>(g[i]);
    for (std::size_t i = 0; i < x.size(); ++i)
      right += static_cast<double>(x[i]) * static_cast<double>(back[i]);
    // About 2000 products of unit variance on each side, each within 24 roundings.
    CHECK(left == Approx(right).margin(1e-3));
  });
}

TEST_CASE("integer convolutions subtract both zero points and pad with zero", "[kernels]") {
  ConvShape shape;
  shape.window.axes[2] = axis(3, 2, 1, 1, 1, 0);
  const std::vector<std::uint8_t> x{10, 12, 15};
  const std::vector<std::int8_t> w{2, -3};
  const std::int32_t w_zero = 1;
  std::vector<std::int32_t> y(3);
  conv_direct<std::uint8_t, std::int8_t, std::int32_t>(shape, x.data(), w.data(), 10, &w_zero, nullptr,
                                                       y.data());
  CHECK(y == std::vector<std::int32_t>{0, -4 * 2, 2 - 4 * 5});
}
