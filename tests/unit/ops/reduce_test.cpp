#include <cmath>
#include <limits>

#include "core/parallel.hpp"
#include "op_runner.hpp"

using namespace nq;
using namespace nq::test;

namespace {

using Axes = std::vector<std::int64_t>;

/// Reduction at opset 18, axes as an input.
Tensor reduce(const std::string& type, const Tensor& x, const Axes& axes, bool keep_dims = false) {
  const Tensor list = tensor<std::int64_t>({static_cast<std::int64_t>(axes.size())}, axes);
  return run_op1({type, 18, {{"keepdims", std::int64_t{keep_dims}}}}, {x, list});
}

const Tensor& cube() {
  static const Tensor tensor_2x3x2 = tensor<float>({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  return tensor_2x3x2;
}

}  // namespace

TEST_CASE("sums over every choice of axes", "[ops]") {
  CHECK(values<float>(reduce("ReduceSum", cube(), {2})) == std::vector<float>{3, 7, 11, 15, 19, 23});
  CHECK(values<float>(reduce("ReduceSum", cube(), {1})) == std::vector<float>{9, 12, 27, 30});
  CHECK(values<float>(reduce("ReduceSum", cube(), {0})) == std::vector<float>{8, 10, 12, 14, 16, 18});
  CHECK(values<float>(reduce("ReduceSum", cube(), {0, -1})) == std::vector<float>{18, 26, 34});
  CHECK(values<float>(reduce("ReduceSum", cube(), {1, 2})) == std::vector<float>{21, 57});
  CHECK(values<float>(reduce("ReduceSum", cube(), {})) == std::vector<float>{78});
  CHECK(reduce("ReduceSum", cube(), {0, 2}, true).shape() == Shape{1, 3, 1});
  CHECK(reduce("ReduceSum", cube(), {}, true).shape() == Shape{1, 1, 1});
  CHECK(values<float>(reduce("ReduceSum", Tensor::scalar(3.0F), {})) == std::vector<float>{3});
}

TEST_CASE("every reduction of one row", "[ops]") {
  const Tensor x = tensor<float>({1, 4}, {1, -2, 3, -4});
  const auto row = [&](const std::string& type) { return values<float>(reduce(type, x, {1}))[0]; };
  CHECK(row("ReduceMean") == -0.5F);
  CHECK(row("ReduceProd") == 24);
  CHECK(row("ReduceMax") == 3);
  CHECK(row("ReduceMin") == -4);
  CHECK(row("ReduceL1") == 10);
  CHECK(row("ReduceL2") == Approx(std::sqrt(30.0)));
  CHECK(row("ReduceSumSquare") == 30);
  CHECK(row("ReduceLogSumExp") ==
        Approx(std::log(std::exp(1.0) + std::exp(-2.0) + std::exp(3.0) + std::exp(-4.0))));
  CHECK(values<float>(reduce("ReduceLogSum", tensor<float>({2}, {1, 3}), {0}))[0] == Approx(std::log(4.0)));
}

TEST_CASE("ReduceLogSumExp neither overflows nor loses infinities", "[ops]") {
  const auto of = [](std::vector<float> x) {
    return values<float>(
        reduce("ReduceLogSumExp", tensor<float>({static_cast<std::int64_t>(x.size())}, x), {0}))[0];
  };
  CHECK(of({1000, 1000}) == Approx(1000 + std::log(2.0)));
  CHECK(of({-kInf, -kInf}) == -kInf);
  CHECK(of({-kInf, 2}) == 2);
  CHECK(of({kInf, kInf, 1}) == kInf);
  CHECK(std::isnan(of({1, NAN, 2})));
}

TEST_CASE("axes move from attribute to input with the opset", "[ops]") {
  CHECK(values<float>(run_op1({"ReduceMean", 13, {{"axes", Axes{-1}}, {"keepdims", std::int64_t{0}}}},
                              {cube()})) == std::vector<float>{1.5F, 3.5F, 5.5F, 7.5F, 9.5F, 11.5F});
  CHECK(values<float>(run_op1({"ReduceSum", 11, {{"axes", Axes{0, 1, 2}}}}, {cube()})) ==
        std::vector<float>{78});
  CHECK(values<float>(run_op1({"ReduceSum", 13}, {cube(), tensor<std::int64_t>({1}, {1})})).size() == 4);
  const Attributes noop{{"noop_with_empty_axes", std::int64_t{1}}};
  CHECK(values<float>(run_op1({"ReduceSum", 13, noop}, {cube()})) == values<float>(cube()));
  CHECK(values<float>(run_op1({"ReduceSumSquare", 18, noop}, {tensor<float>({2}, {-2, 3})})) ==
        std::vector<float>{4, 9});
}

TEST_CASE("empty reductions", "[ops]") {
  const Tensor x(TensorType{DType::f32, {2, 0, 3}});
  const auto of = [&](const std::string& type) { return values<float>(reduce(type, x, {1})); };
  CHECK(of("ReduceSum") == std::vector<float>(6, 0));
  CHECK(of("ReduceProd") == std::vector<float>(6, 1));
  CHECK(of("ReduceMax") == std::vector<float>(6, -kInf));
  CHECK(of("ReduceMin") == std::vector<float>(6, kInf));
  CHECK(of("ReduceLogSumExp") == std::vector<float>(6, -kInf));
  CHECK(std::isnan(of("ReduceMean")[0]));
  CHECK(reduce("ReduceSum", x, {0}).shape() == Shape{0, 3});
  const Tensor integers(TensorType{DType::i32, {0}});
  CHECK(values<std::int32_t>(reduce("ReduceMax", integers, {0})) == std::vector<std::int32_t>{INT32_MIN});
  CHECK_THROWS_AS(reduce("ReduceMean", integers, {0}), Error);
}

TEST_CASE("integer and bool reductions", "[ops]") {
  const Tensor x = tensor<std::int32_t>({3}, {2147483647, 1, -7});
  CHECK(values<std::int32_t>(reduce("ReduceSum", x, {0})) == std::vector<std::int32_t>{2147483641});
  CHECK(values<std::int32_t>(reduce("ReduceMean", tensor<std::int32_t>({2}, {-3, -4}), {0})) ==
        std::vector<std::int32_t>{-3});
  CHECK(values<std::int32_t>(reduce("ReduceL1", tensor<std::int32_t>({2}, {-3, 4}), {0})) ==
        std::vector<std::int32_t>{7});
  CHECK(values<std::uint8_t>(reduce("ReduceMax", tensor<std::uint8_t>({2}, {3, 200}), {0})) ==
        std::vector<std::uint8_t>{200});
  const bool raw[] = {true, false, false, false};
  const Tensor flags = Tensor::of<bool>({2, 2}, std::span<const bool>(raw));
  const Attributes flat{{"keepdims", std::int64_t{0}}};
  const Tensor axis = tensor<std::int64_t>({1}, {1});
  CHECK(values<bool>(run_op1({"ReduceMax", 20, flat}, {flags, axis})) == std::vector<bool>{true, false});
  CHECK(values<bool>(run_op1({"ReduceMin", 20, flat}, {flags, axis})) == std::vector<bool>{false, false});
  check_fails({"ReduceMax", 18}, {flags});
}

TEST_CASE("reductions are accurate and independent of the thread count", "[ops]") {
  const std::int64_t rows = 517, cols = 773;
  std::vector<float> x(rows * cols);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i) * 0.37F) + 1e-3F;
  const Tensor t = tensor<float>({rows, cols}, x);
  for (const Axes& axes : {Axes{0}, Axes{1}}) {
    set_num_threads(1);
    const auto serial = values<float>(reduce("ReduceSum", t, axes));
    set_num_threads(4);
    CHECK(values<float>(reduce("ReduceSum", t, axes)) == serial);
    set_num_threads(0);
    std::vector<double> expected(serial.size(), 0.0);
    for (std::size_t i = 0; i < x.size(); ++i)
      expected[axes[0] == 1 ? i / cols : i % cols] += static_cast<double>(x[i]);
    bool close = true;  // double sums leave only the rounding of the result
    for (std::size_t i = 0; i < serial.size(); ++i)
      close = close && serial[i] == static_cast<float>(expected[i]);
    CHECK(close);
  }
}

TEST_CASE("hostile reduction axes", "[ops]") {
  check_fails({"ReduceSum", 11, {{"axes", Axes{3}}}}, {cube()});
  check_fails({"ReduceSum", 11, {{"axes", Axes{1, -2}}}}, {cube()});
  check_fails({"ReduceSum", 13}, {cube(), tensor<float>({1}, {0})});
  OpCase run_time{"ReduceSum", 13};
  run_time.constant_inputs = false;
  check_fails(run_time, {cube(), tensor<std::int64_t>({1}, {0})}, ErrorKind::unsupported);
  check_fails({"ReduceSum", 13}, {tensor<std::int8_t>({1}, {0})});
}

TEST_CASE("ArgMax and ArgMin", "[ops]") {
  const Tensor x = tensor<float>({2, 3}, {1, 3, 3, 5, 5, 2});
  const auto arg = [&](const std::string& type, Attributes attributes) {
    return values<std::int64_t>(run_op1({type, 13, std::move(attributes)}, {x}));
  };
  CHECK(arg("ArgMax", {{"axis", std::int64_t{1}}}) == std::vector<std::int64_t>{1, 0});
  CHECK(arg("ArgMax", {{"axis", std::int64_t{-1}}, {"select_last_index", std::int64_t{1}}}) ==
        std::vector<std::int64_t>{2, 1});
  CHECK(arg("ArgMin", {{"axis", std::int64_t{1}}}) == std::vector<std::int64_t>{0, 2});
  CHECK(arg("ArgMax", {}) == std::vector<std::int64_t>{1, 1, 0});
  CHECK(run_op1({"ArgMax", 13, {{"keepdims", std::int64_t{0}}}}, {x}).shape() == Shape{3});
  CHECK(values<std::int64_t>(run_op1({"ArgMax", 13}, {tensor<float>({3}, {1, NAN, 5})})) ==
        std::vector<std::int64_t>{1});
  check_fails({"ArgMax", 13, {{"axis", std::int64_t{2}}}}, {x});
  check_fails({"ArgMax", 13}, {Tensor(TensorType{DType::f32, {0}})});
  check_fails({"ArgMax", 13}, {Tensor::scalar(1.0F)});
}

TEST_CASE("CumSum", "[ops]") {
  const Tensor x = tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto sums = [&](std::int32_t axis, Attributes attributes) {
    return values<float>(run_op1({"CumSum", 14, std::move(attributes)}, {x, Tensor::scalar(axis)}));
  };
  CHECK(sums(1, {}) == std::vector<float>{1, 3, 6, 4, 9, 15});
  CHECK(sums(-2, {}) == std::vector<float>{1, 2, 3, 5, 7, 9});
  CHECK(sums(1, {{"exclusive", std::int64_t{1}}}) == std::vector<float>{0, 1, 3, 0, 4, 9});
  CHECK(sums(1, {{"reverse", std::int64_t{1}}}) == std::vector<float>{6, 5, 3, 15, 11, 6});
  CHECK(sums(1, {{"reverse", std::int64_t{1}}, {"exclusive", std::int64_t{1}}}) ==
        std::vector<float>{5, 3, 0, 11, 6, 0});
  check_fails({"CumSum", 14}, {x, Tensor::scalar(std::int32_t{2})});
  check_fails({"CumSum", 14}, {x, tensor<std::int32_t>({2}, {0, 1})});
}
