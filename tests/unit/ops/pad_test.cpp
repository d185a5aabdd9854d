#include <limits>

#include "unit/ops/op_runner.hpp"
#include "unit/ops/reference.hpp"

using namespace nq;
using namespace nq::test;

namespace {

using Ints = std::vector<std::int64_t>;

std::vector<float> pad(const Tensor& x, const char* mode, const Ints& pads) {
  return values<float>(run_op1({"Pad", 19, {{"mode", std::string(mode)}}}, {x, ints(pads)}));
}

}  // namespace

TEST_CASE("Pad extends one axis in every mode", "[ops]") {
  const Tensor x = tensor<float>({3}, {1, 2, 3});
  CHECK(pad(x, "constant", {1, 2}) == std::vector<float>{0, 1, 2, 3, 0, 0});
  CHECK(pad(x, "edge", {2, 1}) == std::vector<float>{1, 1, 1, 2, 3, 3});
  CHECK(pad(x, "reflect", {2, 2}) == std::vector<float>{3, 2, 1, 2, 3, 2, 1});
  CHECK(pad(x, "wrap", {2, 1}) == std::vector<float>{2, 3, 1, 2, 3, 1});
  // Further than the axis is long: the pattern goes on.
  CHECK(pad(x, "reflect", {0, 6}) == std::vector<float>{1, 2, 3, 2, 1, 2, 3, 2, 1});
  CHECK(pad(x, "wrap", {4, 4}) == std::vector<float>{3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1});
  CHECK(pad(tensor<float>({1}, {5}), "reflect", {1, 2}) == std::vector<float>{5, 5, 5, 5});
}

TEST_CASE("Pad handles inner and outer axes", "[ops]") {
  const Tensor x = counting<float>({2, 2, 2});
  CHECK(pad(x, "constant", {0, 1, 0, 0, 0, 0}) == std::vector<float>{0, 0, 0, 1, 2, 3, 0, 0, 4, 5, 6, 7});
  CHECK(pad(x, "edge", {1, 0, 0, 0, 0, 0}) == std::vector<float>{0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(pad(x, "constant", {0, 0, 0, 0, 0, 0}) == values<float>(x));
  CHECK(run_op1({"Pad", 19}, {Tensor::scalar(2.0F), ints({})}).shape() == Shape{});
}

TEST_CASE("Pad cuts with negative pads before it extends", "[ops]") {
  const Tensor x = counting<float>({4});
  CHECK(pad(x, "constant", {-1, -1}) == std::vector<float>{1, 2});
  CHECK(pad(x, "constant", {-2, 1}) == std::vector<float>{2, 3, 0});
  CHECK(pad(x, "reflect", {-1, 2}) == std::vector<float>{1, 2, 3, 2, 1});
  CHECK(pad(x, "constant", {-4, 0}).empty());
  // Only the end of an inner axis is cut.
  CHECK(pad(counting<float>({2, 2}), "constant", {1, 0, 0, -1}) == std::vector<float>{0, 0, 2});
  CHECK(pad(counting<float>({2, 2}), "edge", {0, 0, 0, -1}) == std::vector<float>{0, 2});
  check_fails({"Pad", 19}, {x, ints({-3, -2})});
}

TEST_CASE("Pad reads its arguments per opset", "[ops]") {
  const Tensor x = tensor<float>({2}, {1, 2});
  const Tensor seven = Tensor::scalar(7.0F);
  CHECK(values<float>(run_op1({"Pad", 1, {{"paddings", Ints{1, 0}}, {"value", 9.0F}}}, {x})) ==
        std::vector<float>{9, 1, 2});
  CHECK(values<float>(run_op1({"Pad", 2, {{"pads", Ints{0, 1}}, {"value", 9.0F}}}, {x})) ==
        std::vector<float>{1, 2, 9});
  CHECK(values<float>(run_op1({"Pad", 13}, {x, ints({1, 0}), seven})) == std::vector<float>{7, 1, 2});
  const Tensor image = counting<float>({1, 1, 2});
  const Tensor axes = run_op1({"Pad", 18}, {image, ints({1, 0}), seven, ints({-1})});
  CHECK(values<float>(axes) == std::vector<float>{7, 0, 1});
  CHECK(values<bool>(run_op1({"Pad", 13}, {bools({1}, {0}), ints({1, 0}), bools({1}, {1})})) ==
        std::vector<bool>{true, false});
}

TEST_CASE("Pad refuses what it cannot do", "[ops]") {
  const Tensor x = tensor<float>({2}, {1, 2});
  check_fails({"Pad", 13}, {x, ints({1})});
  check_fails({"Pad", 18}, {x, ints({1, 1, 1, 1}), Tensor(), ints({0, -1})});
  check_fails({"Pad", 13, {{"mode", std::string("wrap")}}}, {x, ints({1, 1})});
  check_fails({"Pad", 13}, {x, ints({1, 1}), Tensor::scalar(std::int32_t{1})});
  check_fails({"Pad", 13}, {x, ints({std::numeric_limits<std::int64_t>::max(), 1})}, ErrorKind::resource);
  check_fails({"Pad", 13}, {x, ints({std::numeric_limits<std::int64_t>::min(), 1})}, ErrorKind::resource);
  check_fails({"Pad", 13, {{"mode", std::string("edge")}}},
              {Tensor(TensorType{DType::f32, {0}}), ints({1, 1})});
}
