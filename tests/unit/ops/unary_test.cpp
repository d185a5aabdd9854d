#include <cmath>
#include <limits>
#include <numeric>

#include "op_runner.hpp"

using namespace nq;
using namespace nq::test;

namespace {


std::vector<float> unary(const OpCase& op, std::vector<float> x) {
  return values<float>(run_op1(op, {tensor<float>({static_cast<std::int64_t>(x.size())}, x)}));
}

/// Largest |actual - expected| in units of the last place of float32 `expected`.
double max_ulp_error(const std::vector<float>& x, const std::vector<float>& actual,
                     double (*reference)(double)) {
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = reference(static_cast<double>(x[i]));
    const auto rounded = std::fabs(static_cast<float>(expected));
    const double ulp = static_cast<double>(std::nextafter(rounded, kInf)) - static_cast<double>(rounded);
    worst = std::max(worst, std::fabs(static_cast<double>(actual[i]) - expected) / ulp);
  }
  return worst;
}

std::vector<float> ramp(float low, float high, int count) {
  std::vector<float> x(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i)
    x[i] = low + (high - low) * static_cast<float>(i) / static_cast<float>(count - 1);
  return x;
}

}  // namespace

TEST_CASE("rounding, sign and absolute value", "[ops]") {
  CHECK(unary({"Round"}, {0.5F, 1.5F, 2.5F, -0.5F, -2.5F}) == std::vector<float>{0, 2, 2, 0, -2});
  CHECK(unary({"Sign"}, {-3, 0, 5}) == std::vector<float>{-1, 0, 1});
  CHECK(unary({"Ceil"}, {1.2F, -1.2F}) == std::vector<float>{2, -1});
  CHECK(unary({"Floor"}, {1.2F, -1.2F}) == std::vector<float>{1, -2});
  CHECK(unary({"Reciprocal"}, {4, -0.5F}) == std::vector<float>{0.25F, -2});
  const Tensor lowest = tensor<std::int8_t>({2}, {-128, 5});
  CHECK(values<std::int8_t>(run_op1({"Abs"}, {lowest})) == std::vector<std::int8_t>{-128, 5});
  CHECK(values<std::int8_t>(run_op1({"Neg"}, {lowest})) == std::vector<std::int8_t>{-128, -5});
  CHECK(values<std::int8_t>(run_op1({"Relu"}, {lowest})) == std::vector<std::int8_t>{0, 5});
  CHECK(values<std::uint32_t>(run_op1({"Sign"}, {tensor<std::uint32_t>({2}, {0, 7})})) ==
        std::vector<std::uint32_t>{0, 1});
  check_fails({"Neg"}, {tensor<std::uint8_t>({1}, {1})});
  check_fails({"Exp"}, {tensor<std::int32_t>({1}, {1})});
  check_fails({"Exp"}, {});
}

TEST_CASE("vectorized functions stay within a few units in the last place", "[ops]") {
  const auto x = ramp(-20, 20, 100001);
  CHECK(max_ulp_error(x, unary({"Tanh"}, x), [](double v) { return std::tanh(v); }) < 3);
  CHECK(max_ulp_error(x, unary({"Exp"}, x), [](double v) { return std::exp(v); }) < 3);
  CHECK(max_ulp_error(x, unary({"Sigmoid"}, x), [](double v) { return 1 / (1 + std::exp(-v)); }) < 4);
  const auto small = ramp(-1e-3F, 1e-3F, 1001);
  CHECK(max_ulp_error(small, unary({"Tanh"}, small), [](double v) { return std::tanh(v); }) < 2);
}

TEST_CASE("limits of the vectorized functions", "[ops]") {
  CHECK(unary({"Tanh"}, {-kInf, kInf, 100, -0.0F}) == std::vector<float>{-1, 1, 1, 0});
  CHECK(unary({"Sigmoid"}, {-kInf, kInf, 0, 200}) == std::vector<float>{0, 1, 0.5F, 1});
  CHECK(unary({"Exp"}, {-kInf, kInf, 0}) == std::vector<float>{0, kInf, 1});
  CHECK(std::signbit(unary({"Tanh"}, {-0.0F})[0]));
  for (const char* type : {"Tanh", "Sigmoid", "Exp", "Relu", "Softplus", "Mish", "Sign"}) {
    INFO(type);
    CHECK(std::isnan(unary({type, 18}, {NAN})[0]));
  }
}

TEST_CASE("activation functions", "[ops]") {
  const std::vector<float> x{-4, -0.5F, 0, 0.5F, 4};
  CHECK(unary({"Relu"}, x) == std::vector<float>{0, 0, 0, 0.5F, 4});
  CHECK(unary({"LeakyRelu", 17, {{"alpha", 0.5F}}}, x) == std::vector<float>{-2, -0.25F, 0, 0.5F, 4});
  CHECK(unary({"HardSigmoid"}, x) == std::vector<float>{0, 0.4F, 0.5F, 0.6F, 1});
  CHECK(unary({"ThresholdedRelu", 17, {{"alpha", 0.5F}}}, x) == std::vector<float>{0, 0, 0, 0, 4});
  CHECK(unary({"Shrink"}, x) == std::vector<float>{-4, 0, 0, 0, 4});
  CHECK(unary({"Softsign"}, x) == std::vector<float>{-0.8F, -1.0F / 3, 0, 1.0F / 3, 0.8F});
  CHECK(unary({"HardSwish"}, {-4, 4}) == std::vector<float>{0, 4});
  CHECK(unary({"Elu", 17, {{"alpha", 2.0F}}}, {-1})[0] == Approx(2 * std::expm1(-1.0)));
  CHECK(unary({"Celu", 17, {{"alpha", 2.0F}}}, {-1})[0] == Approx(2 * std::expm1(-0.5)));
  CHECK(unary({"Selu"}, {-1})[0] == Approx(1.0507009873 * 1.6732632423 * std::expm1(-1.0)));
  CHECK(unary({"Swish", 24, {{"alpha", 2.0F}}}, {1})[0] == Approx(1 / (1 + std::exp(-2.0))));
  CHECK(unary({"Softplus"}, {1000, -1000, 0}) == std::vector<float>{1000, 0, std::log(2.0F)});
  CHECK(unary({"Mish", 18}, {1})[0] == Approx(std::tanh(std::log1p(std::exp(1.0)))));
}

TEST_CASE("PRelu broadcasts its slope to the input only", "[ops]") {
  const Tensor x = tensor<float>({1, 2, 2}, {-1, 2, -3, -4});
  CHECK(values<float>(run_op1({"PRelu"}, {x, tensor<float>({2, 1}, {10, 100})})) ==
        std::vector<float>{-10, 2, -300, -400});
  CHECK(values<float>(run_op1({"PRelu", 6}, {x, tensor<float>({2}, {10, 100})})) ==
        std::vector<float>{-10, 2, -300, -400});
  check_fails({"PRelu"}, {x, tensor<float>({2, 1, 1}, {1, 2})});
}

TEST_CASE("IsNaN and IsInf", "[ops]") {
  const Tensor x = tensor<float>({4}, {1, NAN, kInf, -kInf});
  CHECK(values<bool>(run_op1({"IsNaN"}, {x})) == std::vector<bool>{false, true, false, false});
  CHECK(values<bool>(run_op1({"IsInf"}, {x})) == std::vector<bool>{false, false, true, true});
  const Attributes positive_only{{"detect_negative", std::int64_t{0}}};
  CHECK(values<bool>(run_op1({"IsInf", 17, positive_only}, {x})) ==
        std::vector<bool>{false, false, true, false});
}

TEST_CASE("Clip by attributes and by inputs", "[ops]") {
  const std::vector<float> x{-5, 0.5F, 9};
  CHECK(unary({"Clip", 6, {{"min", -1.0F}, {"max", 1.0F}}}, x) == std::vector<float>{-1, 0.5F, 1});
  CHECK(unary({"Clip", 6}, x) == x);
  const Tensor t = tensor<float>({3}, x);
  CHECK(values<float>(run_op1({"Clip", 13}, {t, Tensor::scalar(-1.0F), Tensor::scalar(1.0F)})) ==
        std::vector<float>{-1, 0.5F, 1});
  CHECK(values<float>(run_op1({"Clip", 13}, {t, Tensor{}, Tensor::scalar(1.0F)})) ==
        std::vector<float>{-5, 0.5F, 1});
  CHECK(values<float>(run_op1({"Clip", 13}, {t, Tensor::scalar(3.0F), Tensor::scalar(2.0F)})) ==
        std::vector<float>{2, 2, 2});
  CHECK(values<std::int8_t>(
            run_op1({"Clip", 13}, {tensor<std::int8_t>({2}, {-5, 5}), Tensor::scalar(std::int8_t{-1})})) ==
        std::vector<std::int8_t>{-1, 5});
  check_fails({"Clip", 13}, {t, tensor<float>({2}, {0, 1})});
  check_fails({"Clip", 13}, {t, Tensor::scalar(1.0)});
  check_fails({"Clip", 6}, {tensor<std::int32_t>({1}, {1})});
}
