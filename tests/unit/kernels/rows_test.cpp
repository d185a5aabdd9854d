#include "kernels/rows.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>

#include "fixture.hpp"

using namespace nq;
using namespace nq::kernels;
using namespace nq::test;

namespace {

using ArrayFunction = void (*)(const float*, float*, std::int64_t);

std::vector<float> line(double low, double high, int count) {
  std::vector<float> x;
  for (int i = 0; i <= count; ++i) x.push_back(static_cast<float>(low + (high - low) * i / count));
  return x;
}

std::vector<float> grid(double low, double high, int count) {
  auto x = line(low, high, count);
  for (float tiny = 1e-30F; tiny < 0.5F; tiny *= 3.0F) {
    x.push_back(tiny);
    x.push_back(-tiny);
  }
  return x;
}

double largest_ulps(ArrayFunction function, double (*exact)(double), const std::vector<float>& x) {
  std::vector<float> y(x.size());
  function(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, ulps(y[i], exact(x[i])));
  return worst;
}

double largest_error(ArrayFunction function, double (*exact)(double), const std::vector<float>& x) {
  std::vector<float> y(x.size());
  function(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  double worst = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::fabs(y[i] - exact(x[i])));
  return worst;
}

double exact_exp(double x) { return std::exp(x); }
double exact_erf(double x) { return std::erf(x); }
double exact_gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }
double exact_gelu_tanh(double x) {
  return x / (1.0 + std::exp(-2.0 * std::sqrt(2.0 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}

}  // namespace

TEST_CASE("elementary functions keep their stated error bounds", "[kernels]") {
  for_each_setting([&] {
    CHECK(largest_ulps(exp_array, exact_exp, grid(-104.0, 88.7, 200000)) < 1.5);
    CHECK(largest_ulps(erf_array, exact_erf, grid(-6.0, 6.0, 200000)) < 2.0);
    CHECK(largest_ulps(gelu_erf_array, exact_gelu, grid(-4.0, 12.0, 200000)) < 3.0);
    CHECK(largest_ulps(gelu_erf_array, exact_gelu, grid(-5.0, -4.0, 100000)) < 40.0);
    CHECK(largest_error(gelu_erf_array, exact_gelu, line(-12.5, -5.0, 100000)) < 2.3e-10);
  });
}

TEST_CASE("the pieces of GELU and erf meet", "[kernels]") {
  constexpr float step = 0.421875F;  // of the pieces
  std::vector<float> x;
  for (const float end : {0.5F * step, 1.5F * step, 2.5F * step, 7.5F * step, 14.5F * step, 6.53F, 15.5F * step}) {
    float below = end;
    float above = end;
    for (int i = 0; i < 200; ++i) {
      below = std::nextafter(below, 0.0F);
      above = std::nextafter(above, 100.0F);
      for (const float t : {below, end, above}) x.insert(x.end(), {t, -t, t / std::numbers::sqrt2_v<float>});
    }
  }
  for_each_setting([&] {
    CHECK(largest_error(gelu_erf_array, exact_gelu, x) < 3e-7);
    CHECK(largest_error(erf_array, exact_erf, x) < 1e-7);
  });
}

TEST_CASE("tanh GELU is within 3e-7 of the formula, relative to its input", "[kernels]") {
  const auto x = grid(-12.0, 12.0, 200000);
  for_each_setting([&] {
    std::vector<float> y(x.size());
    gelu_tanh_array(x.data(), y.data(), static_cast<std::int64_t>(x.size()));
    double worst = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double bound = std::max(1.0, std::fabs(static_cast<double>(x[i])));
      worst = std::max(worst, std::fabs(static_cast<double>(y[i]) - exact_gelu_tanh(x[i])) / bound);
    }
    CHECK(worst < 3e-7);
  });
}

TEST_CASE("elementary functions at the edges", "[kernels]") {
  const std::vector<float> x{NAN, INFINITY, -INFINITY, 0.0F, -0.0F, 200.0F, -200.0F};
  for_each_setting([&] {
    std::vector<float> y(x.size());
    exp_array(x.data(), y.data(), 7);
    CHECK(std::isnan(y[0]));
    CHECK(std::vector<float>(y.begin() + 1, y.end()) == std::vector<float>{INFINITY, 0, 1, 1, INFINITY, 0});
    erf_array(x.data(), y.data(), 7);
    CHECK(std::isnan(y[0]));
    CHECK(std::vector<float>(y.begin() + 1, y.end()) == std::vector<float>{1, -1, 0, 0, 1, -1});
    gelu_erf_array(x.data(), y.data(), 7);
    CHECK(std::isnan(y[0]));
    CHECK(std::vector<float>(y.begin() + 1, y.end()) == std::vector<float>{INFINITY, 0, 0, 0, 200, 0});
  });
}

TEST_CASE("every kernel table gives the same bits", "[kernels]") {
  const std::int64_t rows = 9, cols = 197;
  const auto x = normal_floats("x", rows * cols);
  const auto scale = normal_floats("scale", cols);
  const auto bias = normal_floats("bias", cols);
  std::vector<std::vector<std::uint32_t>> seen;
  for_each_setting([&] {
    std::vector<float> y(x.size());
    std::vector<std::uint32_t> all;
    const auto append = [&] {
      for (const std::uint32_t value : bits(y)) all.push_back(value);
    };
    for (const ArrayFunction function : {exp_array, erf_array, gelu_erf_array, gelu_tanh_array}) {
      function(x.data(), y.data(), rows * cols);
      append();
    }
    softmax_rows(x.data(), y.data(), rows, cols);
    append();
    log_softmax_rows(x.data(), y.data(), rows, cols);
    append();
    normalize_rows({cols, 1e-6F, true, scale.data(), bias.data()}, x.data(), y.data(), rows);
    append();
    normalize_rows({cols, 1e-6F, false, scale.data(), nullptr}, x.data(), y.data(), rows);
    append();
    seen.push_back(std::move(all));
  });
  for (const auto& other : seen) CHECK(other == seen.front());
}

TEST_CASE("softmax rows sum to one and match double", "[kernels]") {
  const std::int64_t cols = GENERATE(1, 15, 16, 17, 197, 4096);
  const auto x = normal_floats("x", 3 * cols);
  for_each_setting([&] {
    std::vector<float> y(x.size());
    softmax_rows(x.data(), y.data(), 3, cols);
    for (std::int64_t row = 0; row < 3; ++row) {
      double sum = 0.0;
      double total = 0.0;
      for (std::int64_t col = 0; col < cols; ++col) sum += std::exp(static_cast<double>(x[row * cols + col]));
      double worst = 0.0;
      for (std::int64_t col = 0; col < cols; ++col) {
        const double exact = std::exp(static_cast<double>(x[row * cols + col])) / sum;
        worst = std::max(worst, std::fabs(static_cast<double>(y[row * cols + col]) / exact - 1.0));
        total += static_cast<double>(y[row * cols + col]);
      }
      // The rounded difference to the maximum (up to 8 here) enters the exponent: 8 * 2^-24.
      CHECK(worst < 8e-7);
      CHECK(total == Approx(1.0).margin(1e-6));
    }
  });
}

TEST_CASE("softmax of scores with addends is that of their sums", "[kernels]") {
  const std::int64_t rows = 19, cols = GENERATE(3, 49, 64);
  const auto x = normal_floats("x", rows * cols);
  const auto first = normal_floats("first", rows * cols);
  const auto second = normal_floats("second", rows * cols);
  std::vector<float> sums(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) sums[i] = (x[i] * -0.7F + first[i]) + second[i];
  for_each_setting([&] {
    std::vector<float> y(x.size());
    std::vector<float> expected(x.size());
    SoftmaxRows softmax{rows, cols, x.data(), cols, y.data(), cols, -0.7F, {first.data(), second.data()}, {cols, cols}};
    active_table().softmax_rows(softmax);
    softmax_rows(sums.data(), expected.data(), rows, cols);
    CHECK(bits(y) == bits(expected));
  });
}

TEST_CASE("softmax of a row with infinities", "[kernels]") {
  for_each_setting([&] {
    std::vector<float> x{-INFINITY, 1.0F, -INFINITY};
    softmax_rows(x.data(), x.data(), 1, 3);
    CHECK(x == std::vector<float>{0.0F, 1.0F, 0.0F});
    std::vector<float> masked(20, -INFINITY);
    softmax_rows(masked.data(), masked.data(), 1, 20);
    CHECK(std::isnan(masked[0]));
  });
}

TEST_CASE("softmax of scores whose last place is far above one", "[kernels]") {
  for_each_setting([&] {
    std::vector<float> x(20, 3.3e14F);
    x[7] = 1e14F;
    active_table().softmax_rows({1, 20, x.data(), 20, x.data(), 20, 0.7F});
    CHECK(x[7] == 0.0F);
    CHECK(x[0] == Approx(1.0 / 19).margin(1e-7));
  });
}

TEST_CASE("normalization stays near double for a large mean", "[kernels]") {
  const std::int64_t cols = GENERATE(1, 31, 384);
  const float offset = GENERATE(0.0F, 100.0F, -1e4F);
  auto x = normal_floats("x", 4 * cols);
  for (float& value : x) value += offset;
  const auto scale = normal_floats("scale", cols);
  const auto bias = normal_floats("bias", cols);
  for_each_setting([&] {
    std::vector<float> y(x.size());
    std::vector<float> mean(4);
    std::vector<float> inv_std(4);
    normalize_rows({cols, 1e-6F, true, scale.data(), bias.data()}, x.data(), y.data(), 4, mean.data(),
                   inv_std.data());
    for (std::int64_t row = 0; row < 4; ++row) {
      double center = 0.0;
      double squares = 0.0;
      for (std::int64_t col = 0; col < cols; ++col) center += static_cast<double>(x[row * cols + col]);
      center /= static_cast<double>(cols);
      for (std::int64_t col = 0; col < cols; ++col) {
        squares += std::pow(static_cast<double>(x[row * cols + col]) - center, 2);
      }
      const double factor = 1.0 / std::sqrt(squares / static_cast<double>(cols) + static_cast<double>(1e-6F));
      CHECK(mean[row] == Approx(center).epsilon(1e-7));
      CHECK(inv_std[row] == Approx(factor).epsilon(1e-6));
      for (std::int64_t col = 0; col < cols; ++col) {
        const double exact =
            (static_cast<double>(x[row * cols + col]) - center) * factor * static_cast<double>(scale[col]) +
            static_cast<double>(bias[col]);
        // Four roundings of values below 16.
        CHECK(std::fabs(static_cast<double>(y[row * cols + col]) - exact) < 4e-6);
      }
    }
  });
}
