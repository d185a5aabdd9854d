#include <cmath>
#include <limits>

#include "core/float_formats.hpp"
#include "unit/ops/op_runner.hpp"
#include "unit/ops/reference.hpp"

using namespace nq;
using namespace nq::test;

namespace {

using Ints = std::vector<std::int64_t>;

template <typename T>
std::vector<T> range(T start, T limit, T delta) {
  const Tensor out =
      run_op1({"Range", 17}, {Tensor::scalar(start), Tensor::scalar(limit), Tensor::scalar(delta)});
  return values<T>(out);
}

}  // namespace

TEST_CASE("Shape returns a clamped range of dimensions", "[ops]") {
  OpCase op{"Shape", 15};
  op.constant_inputs = false;
  const Tensor x(TensorType{DType::f32, {2, 3, 4}});
  const auto dims = [&](Attributes attributes) {
    op.attributes = std::move(attributes);
    return values<std::int64_t>(run_op1(op, {x}));
  };
  CHECK(dims({}) == Ints{2, 3, 4});
  CHECK(dims({{"start", std::int64_t{1}}}) == Ints{3, 4});
  CHECK(dims({{"end", std::int64_t{-1}}}) == Ints{2, 3});
  CHECK(dims({{"start", kSmallest}, {"end", kLargest}}) == Ints{2, 3, 4});
  CHECK(dims({{"start", std::int64_t{2}}, {"end", std::int64_t{1}}}).empty());
  op.opset = 13;
  CHECK(dims({{"start", std::int64_t{1}}}) == Ints{2, 3, 4});
  CHECK(values<std::int64_t>(run_op1({"Size", 13}, {x})) == Ints{24});
  CHECK(values<std::int64_t>(run_op1({"Shape", 13}, {Tensor::scalar(1.0F)})).empty());
}

TEST_CASE("Constant takes one of its forms", "[ops]") {
  const Tensor stored = counting<std::int8_t>({2, 2});
  CHECK(values<std::int8_t>(run_op1({"Constant", 1, {{"value", stored}}}, {})) ==
        values<std::int8_t>(stored));
  CHECK(values<float>(run_op1({"Constant", 13, {{"value_float", 1.5F}}}, {})) == std::vector<float>{1.5F});
  CHECK(values<std::int64_t>(run_op1({"Constant", 13, {{"value_int", std::int64_t{7}}}}, {})) == Ints{7});
  const Tensor list = run_op1({"Constant", 13, {{"value_ints", Ints{1, 2}}}}, {});
  CHECK(list.shape() == Shape{2});
  CHECK(values<float>(run_op1({"Constant", 13, {{"value_floats", std::vector<float>{1, 2}}}}, {})) ==
        std::vector<float>{1, 2});
  check_fails({"Constant", 13}, {});
  check_fails({"Constant", 13, {{"value_float", 1.0F}, {"value_int", std::int64_t{1}}}}, {});
  check_fails({"Constant", 13, {{"value_string", std::string("a")}}}, {}, ErrorKind::unsupported);
}

TEST_CASE("ConstantOfShape fills any type", "[ops]") {
  const Tensor zeros = run_op1({"ConstantOfShape", 9}, {ints({2, 2})});
  CHECK(values<float>(zeros) == std::vector<float>(4, 0.0F));
  const Attributes five{{"value", tensor<std::int16_t>({1}, {5})}};
  CHECK(values<std::int16_t>(run_op1({"ConstantOfShape", 9, five}, {ints({3})})) ==
        std::vector<std::int16_t>(3, 5));
  CHECK(run_op1({"ConstantOfShape", 9, five}, {ints({})}).shape() == Shape{});
  check_fails({"ConstantOfShape", 9, five}, {ints({-1})});
  check_fails({"ConstantOfShape", 9, five}, {ints({kLargest, kLargest})}, ErrorKind::resource);
  check_fails({"ConstantOfShape", 9, {{"value", tensor<float>({2}, {1, 2})}}}, {ints({1})});
}

TEST_CASE("Range counts up and down in every type", "[ops]") {
  CHECK(range<std::int64_t>(3, 9, 3) == Ints{3, 6});
  CHECK(range<std::int32_t>(10, 4, -2) == std::vector<std::int32_t>{10, 8, 6});
  CHECK(range<std::int16_t>(0, 5, -1).empty());
  CHECK(range<double>(1, 2, 0.25) == std::vector<double>{1, 1.25, 1.5, 1.75});
  // 0.6F / 0.2F is 3 in float32, slightly more in float64: the standard counts in float32.
  CHECK(range<float>(0.0F, 0.6F, 0.2F).size() == 3);
  CHECK(range<std::int64_t>(kSmallest, kLargest, kLargest) == Ints{kSmallest, -1, kLargest - 1});
  CHECK(range<std::int64_t>(kLargest, kSmallest, kSmallest) == Ints{kLargest, -1});
  const auto half = [](float value) { return Tensor::scalar(to_half(value)); };
  const Tensor halves = run_op1({"Range", 27}, {half(0), half(3), half(1)});
  CHECK(to_vector<float>(halves.view()) == std::vector<float>{0, 1, 2});
}

TEST_CASE("Range refuses endless and huge sequences", "[ops]") {
  const auto fails = [](auto start, auto limit, auto delta, ErrorKind kind) {
    check_fails({"Range", 17}, {Tensor::scalar(start), Tensor::scalar(limit), Tensor::scalar(delta)}, kind);
  };
  fails(std::int64_t{0}, std::int64_t{5}, std::int64_t{0}, ErrorKind::input);
  fails(0.0F, 5.0F, 0.0F, ErrorKind::input);
  fails(0.0F, std::nanf(""), 1.0F, ErrorKind::input);
  fails(kSmallest, kLargest, std::int64_t{1}, ErrorKind::resource);
  fails(0.0, 1e300, 1e-300, ErrorKind::resource);
}

TEST_CASE("EyeLike places the diagonal", "[ops]") {
  const Tensor x(TensorType{DType::i32, {2, 3}});
  const auto eye = [&](std::int64_t k) {
    return values<std::int32_t>(run_op1({"EyeLike", 9, {{"k", k}}}, {x}));
  };
  CHECK(eye(0) == std::vector<std::int32_t>{1, 0, 0, 0, 1, 0});
  CHECK(eye(2) == std::vector<std::int32_t>{0, 0, 1, 0, 0, 0});
  CHECK(eye(-1) == std::vector<std::int32_t>{0, 0, 0, 1, 0, 0});
  CHECK(eye(kLargest) == std::vector<std::int32_t>(6, 0));
  CHECK(eye(kSmallest) == std::vector<std::int32_t>(6, 0));
  const Tensor half = run_op1({"EyeLike", 9, {{"dtype", std::int64_t{10}}}}, {x});
  CHECK(to_vector<float>(half.view()) == std::vector<float>{1, 0, 0, 0, 1, 0});
}
