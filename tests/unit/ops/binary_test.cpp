#include <cmath>
#include <limits>

#include "op_runner.hpp"

using namespace nq;
using namespace nq::test;

namespace {

template <typename T>
std::vector<T> binary(const std::string& type, std::vector<T> a, std::vector<T> b, Attributes attributes = {},
                      int opset = 17) {
  const auto count_a = static_cast<std::int64_t>(a.size());
  const auto count_b = static_cast<std::int64_t>(b.size());
  return values<T>(
      run_op1({type, opset, std::move(attributes)}, {tensor<T>({count_a}, a), tensor<T>({count_b}, b)}));
}

}  // namespace

TEST_CASE("arithmetic broadcasts like numpy", "[ops]") {
  const Tensor a = tensor<float>({2, 1, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor b = tensor<float>({2, 1}, {10, 20});
  const Tensor sum = run_op1({"Add"}, {a, b});
  CHECK(sum.shape() == Shape{2, 2, 3});
  CHECK(values<float>(sum) == std::vector<float>{11, 12, 13, 21, 22, 23, 14, 15, 16, 24, 25, 26});
  const Tensor difference = run_op1({"Sub"}, {b, a});
  CHECK(values<float>(difference) == std::vector<float>{9, 8, 7, 19, 18, 17, 6, 5, 4, 16, 15, 14});
  const Tensor row = run_op1({"Mul"}, {a, tensor<float>({3}, {1, 10, 100})});
  CHECK(row.shape() == Shape{2, 1, 3});
  CHECK(values<float>(row) == std::vector<float>{1, 20, 300, 4, 50, 600});
  const Tensor scalar = run_op1({"Div"}, {Tensor::scalar(12.0F), a});
  CHECK(values<float>(scalar) == std::vector<float>{12, 6, 4, 3, 2.4F, 2});
}

TEST_CASE("large broadcasts agree with the index formula", "[ops]") {
  // Above kElementGrain, so that the work is split inside and across rows.
  const std::int64_t outer = 7, middle = 61, inner = 131;
  std::vector<float> a(outer * middle * inner), b(middle), c(outer * inner);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 1009);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i * 3);
  for (std::size_t i = 0; i < c.size(); ++i) c[i] = static_cast<float>(i % 17);
  const Tensor x = tensor<float>({outer, middle, inner}, a);
  const auto with_b = values<float>(run_op1({"Add"}, {x, tensor<float>({middle, 1}, b)}));
  const auto with_c = values<float>(run_op1({"Sub"}, {tensor<float>({outer, 1, inner}, c), x}));
  bool same = true;
  for (std::int64_t i = 0; i < outer * middle * inner; ++i) {
    const std::int64_t row = i / inner % middle;
    const std::int64_t plane = i / (inner * middle);
    same = same && with_b[i] == a[i] + b[row] && with_c[i] == c[plane * inner + i % inner] - a[i];
  }
  CHECK(same);
}

TEST_CASE("empty tensors and hostile shapes", "[ops]") {
  const Tensor empty(TensorType{DType::f32, {0, 3}});
  CHECK(run_op1({"Add"}, {empty, tensor<float>({3}, {1, 2, 3})}).shape() == Shape{0, 3});
  CHECK(run_op1({"Add"}, {empty, tensor<float>({1, 1}, {1})}).shape() == Shape{0, 3});
  check_fails({"Add"}, {tensor<float>({2}, {1, 2}), tensor<float>({3}, {1, 2, 3})});
  check_fails({"Add"}, {tensor<float>({2}, {1, 2}), tensor<double>({2}, {1, 2})});
  check_fails({"Add"}, {tensor<float>({2}, {1, 2})});
  check_fails({"Add"}, {tensor<float>({2}, {1, 2}), Tensor{}});
  check_fails({"Add"}, {Tensor(TensorType{DType::boolean, {1}}), Tensor(TensorType{DType::boolean, {1}})});
}

TEST_CASE("integer arithmetic wraps and never traps", "[ops]") {
  constexpr auto lowest = std::numeric_limits<std::int32_t>::min();
  CHECK(binary<std::int32_t>("Add", {2147483647}, {1}) == std::vector<std::int32_t>{lowest});
  CHECK(binary<std::uint16_t>("Mul", {65535}, {65535}) == std::vector<std::uint16_t>{1});
  CHECK(binary<std::int8_t>("Sub", {-128}, {1}) == std::vector<std::int8_t>{127});
  CHECK(binary<std::int32_t>("Div", {lowest, -7, 7}, {-1, 2, -2}) ==
        std::vector<std::int32_t>{lowest, -3, -3});
  CHECK(binary<std::int32_t>("Mod", {lowest, -7, 7, 6}, {-1, 3, -3, -3}) ==
        std::vector<std::int32_t>{0, 2, -2, 0});
  const Attributes fmod{{"fmod", std::int64_t{1}}};
  CHECK(binary<std::int32_t>("Mod", {lowest, -7, 7}, {-1, 3, -3}, fmod) ==
        std::vector<std::int32_t>{0, -1, 1});
  CHECK(binary<float>("Mod", {-4.3F, 7.2F}, {2.1F, -3.4F}, fmod) ==
        std::vector<float>{std::fmod(-4.3F, 2.1F), std::fmod(7.2F, -3.4F)});
  check_fails({"Div"}, {tensor<std::int64_t>({2}, {1, 2}), tensor<std::int64_t>({2}, {1, 0})});
  check_fails({"Mod"}, {tensor<std::uint8_t>({1}, {1}), tensor<std::uint8_t>({1}, {0})});
  check_fails({"Mod"}, {tensor<float>({1}, {1}), tensor<float>({1}, {2})});
}

TEST_CASE("floor modulo of floats from opset 28", "[ops]") {
  const std::vector<float> result = binary<float>("Mod", {-7, 7, -0.0F, 5}, {3, -3, 2, 5}, {}, 28);
  CHECK(result == std::vector<float>{2, -2, 0, 0});
}

TEST_CASE("legacy broadcast attributes before opset 7", "[ops]") {
  const Tensor a = tensor<float>({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const Attributes at_axis1{{"broadcast", std::int64_t{1}}, {"axis", std::int64_t{1}}};
  const Tensor sum = run_op1({"Add", 6, at_axis1}, {a, tensor<float>({3}, {100, 200, 300})});
  CHECK(values<float>(sum) == std::vector<float>{101, 102, 203, 204, 305, 306, 107, 108, 209, 210, 311, 312});
  const Attributes at_end{{"broadcast", std::int64_t{1}}};
  CHECK(values<float>(
            run_op1({"Mul", 6, at_end}, {tensor<float>({2, 2}, {1, 2, 3, 4}), tensor<float>({2}, {2, 3})})) ==
        std::vector<float>{2, 6, 6, 12});
  check_fails({"Add", 6}, {a, tensor<float>({2}, {1, 2})});
  const Attributes outside{{"broadcast", std::int64_t{1}}, {"axis", std::int64_t{9}}};
  check_fails({"Add", 6, outside}, {a, tensor<float>({2}, {1, 2})});
  const Attributes too_late{{"broadcast", std::int64_t{1}}, {"axis", std::int64_t{2}}};
  check_fails({"Add", 6, too_late}, {a, tensor<float>({3, 2}, {1, 2, 3, 4, 5, 6})});
  check_fails({"Add", 6, at_end}, {tensor<float>({2}, {1, 2}), a});
}

TEST_CASE("Pow with equal and mixed types", "[ops]") {
  const Tensor x = tensor<float>({3}, {2, -3, 0.5F});
  CHECK(values<float>(run_op1({"Pow"}, {x, Tensor::scalar(2.0F)})) == std::vector<float>{4, 9, 0.25F});
  CHECK(values<float>(run_op1({"Pow"}, {x, Tensor::scalar(std::int64_t{3})})) ==
        std::vector<float>{8, -27, 0.125F});
  CHECK(values<float>(run_op1({"Pow"}, {x, tensor<std::int32_t>({3}, {0, 1, -2})})) ==
        std::vector<float>{1, -3, 4});
  const Tensor n = tensor<std::int32_t>({4}, {2, 3, -1, 1});
  CHECK(values<std::int32_t>(run_op1({"Pow"}, {n, tensor<std::int32_t>({4}, {31, 40, -3, -5})})) ==
        std::vector<std::int32_t>{std::numeric_limits<std::int32_t>::min(), 689956897, -1, 1});
  CHECK(values<std::int32_t>(run_op1({"Pow"}, {n, Tensor::scalar(1.5F)})).at(1) == 5);
  check_fails({"Pow"}, {tensor<std::int64_t>({1}, {0}), tensor<std::int64_t>({1}, {-1})});
  check_fails({"Pow", 7}, {x, Tensor::scalar(std::int64_t{3})});
}

TEST_CASE("comparisons and logic", "[ops]") {
  const Tensor a = tensor<float>({4}, {1, 2, 3, NAN});
  const Tensor b = tensor<float>({4}, {1, 3, 2, NAN});
  CHECK(values<bool>(run_op1({"Equal"}, {a, b})) == std::vector<bool>{true, false, false, false});
  CHECK(values<bool>(run_op1({"Less"}, {a, b})) == std::vector<bool>{false, true, false, false});
  CHECK(values<bool>(run_op1({"LessOrEqual"}, {a, b})) == std::vector<bool>{true, true, false, false});
  CHECK(values<bool>(run_op1({"Greater"}, {a, b})) == std::vector<bool>{false, false, true, false});
  CHECK(values<bool>(run_op1({"GreaterOrEqual"}, {a, b})) == std::vector<bool>{true, false, true, false});
  const bool raw[] = {true, false};
  const Tensor p = Tensor::of<bool>({2, 1}, std::span<const bool>(raw));
  const Tensor q = Tensor::of<bool>({2}, std::span<const bool>(raw));
  CHECK(values<bool>(run_op1({"And"}, {p, q})) == std::vector<bool>{true, false, false, false});
  CHECK(values<bool>(run_op1({"Or"}, {p, q})) == std::vector<bool>{true, true, true, false});
  CHECK(values<bool>(run_op1({"Xor"}, {p, q})) == std::vector<bool>{false, true, true, false});
  CHECK(values<bool>(run_op1({"Equal"}, {p, q})) == std::vector<bool>{true, false, false, true});
  CHECK(values<bool>(run_op1({"Not"}, {p})) == std::vector<bool>{false, true});
  check_fails({"And"}, {a, b});
  check_fails({"Less"}, {p, q});
}

TEST_CASE("Max, Min, Sum and Mean fold any number of inputs", "[ops]") {
  const Tensor a = tensor<float>({2, 1}, {1, 4});
  const Tensor b = tensor<float>({3}, {0, 2, NAN});
  const Tensor c = Tensor::scalar(3.0F);
  const auto largest = values<float>(run_op1({"Max"}, {a, b, c}));
  CHECK(std::vector<float>{largest[0], largest[1], largest[3], largest[4]} == std::vector<float>{3, 3, 4, 4});
  CHECK(std::isnan(largest[2]));
  CHECK(std::isnan(values<float>(run_op1({"Min"}, {a, b, c}))[5]));
  CHECK(values<float>(run_op1({"Sum"}, {a, c, a})) == std::vector<float>{5, 11});
  CHECK(values<float>(run_op1({"Mean"}, {a, c})) == std::vector<float>{2, 3.5F});
  CHECK(values<std::uint8_t>(run_op1({"Max"}, {tensor<std::uint8_t>({2}, {200, 1})})) ==
        std::vector<std::uint8_t>{200, 1});
  check_fails({"Sum", 6}, {a, c});
  check_fails({"Mean"}, {tensor<std::int32_t>({1}, {1})});
  check_fails({"Max"}, {});
}
