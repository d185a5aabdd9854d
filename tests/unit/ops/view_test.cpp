#include <climits>

#include "unit/ops/op_runner.hpp"
#include "unit/ops/reference.hpp"

using namespace nq;
using namespace nq::test;

namespace {

using Ints = std::vector<std::int64_t>;

Shape shape_after(const OpCase& op, std::vector<Tensor> inputs) {
  const OpRunner runner(op, std::move(inputs));
  CHECK(runner.def().bind(runner.context())->is_view());
  return runner.context().output_type(0).shape;
}

}  // namespace

TEST_CASE("Reshape resolves 0 and -1 and keeps the bytes", "[ops]") {
  const Tensor x = counting<float>({2, 3, 4});
  CHECK(shape_after({"Reshape", 17}, {x, ints({0, -1})}) == Shape{2, 12});
  CHECK(shape_after({"Reshape", 17}, {x, ints({4, 0, 2})}) == Shape{4, 3, 2});
  CHECK(shape_after({"Reshape", 5}, {x, ints({-1})}) == Shape{24});
  CHECK(shape_after({"Reshape", 1, {{"shape", Ints{3, 8}}}}, {x}) == Shape{3, 8});
  CHECK(shape_after({"Reshape", 17}, {tensor<float>({1}, {3}), ints({})}) == Shape{});
  const Tensor y = run_op1({"Reshape", 17}, {x, ints({6, 4})});
  CHECK(values<float>(y) == values<float>(x));
}

TEST_CASE("Reshape with allowzero takes 0 literally", "[ops]") {
  const Tensor empty(TensorType{DType::f32, {0, 3}});
  const Attributes allow{{"allowzero", std::int64_t{1}}};
  CHECK(shape_after({"Reshape", 14, allow}, {empty, ints({3, 0})}) == Shape{3, 0});
  check_fails({"Reshape", 14, allow}, {empty, ints({-1, 0})});
  check_fails({"Reshape", 14}, {empty, ints({3, -1, 0})});
}

TEST_CASE("Reshape refuses shapes that do not fit", "[ops]") {
  const Tensor x = counting<float>({2, 3, 4});
  for (const Ints& dims :
       {Ints{5, 5}, Ints{-1, -1}, Ints{-2, 12}, Ints{7, -1}, Ints{2, 3, 4, 0}, Ints{INT64_MIN}}) {
    check_fails({"Reshape", 17}, {x, ints(dims)});
  }
  check_fails({"Reshape", 17}, {x, ints({INT64_MAX, INT64_MAX})}, ErrorKind::resource);
  OpCase unknown{"Reshape", 17};
  unknown.constant_inputs = false;
  check_fails(unknown, {x, ints({24})}, ErrorKind::unsupported);
}

TEST_CASE("Flatten splits the axes in two", "[ops]") {
  const Tensor x = counting<std::int8_t>({2, 3, 4});
  const auto flat = [&](std::int64_t axis) { return shape_after({"Flatten", 13, {{"axis", axis}}}, {x}); };
  CHECK(flat(0) == Shape{1, 24});
  CHECK(flat(1) == Shape{2, 12});
  CHECK(flat(3) == Shape{24, 1});
  CHECK(flat(-1) == Shape{6, 4});
  CHECK(shape_after({"Flatten", 13, {{"axis", std::int64_t{0}}}}, {Tensor::scalar(1.0F)}) == Shape{1, 1});
  check_fails({"Flatten", 13, {{"axis", std::int64_t{4}}}}, {x});
}

TEST_CASE("Squeeze and Unsqueeze take axes as attribute or input", "[ops]") {
  const Tensor x = counting<float>({1, 3, 1, 2});
  CHECK(shape_after({"Squeeze", 11}, {x}) == Shape{3, 2});
  CHECK(shape_after({"Squeeze", 11, {{"axes", Ints{-2}}}}, {x}) == Shape{1, 3, 2});
  CHECK(shape_after({"Squeeze", 13}, {x, ints({0})}) == Shape{3, 1, 2});
  CHECK(shape_after({"Squeeze", 13}, {x, ints({})}) == x.shape());
  check_fails({"Squeeze", 13}, {x, ints({1})});
  check_fails({"Squeeze", 13}, {x, ints({0, -4})});
  check_fails({"Squeeze", 13}, {x, ints({4})});
  const Tensor y = counting<float>({3, 2});
  CHECK(shape_after({"Unsqueeze", 11, {{"axes", Ints{0, 3}}}}, {y}) == Shape{1, 3, 2, 1});
  CHECK(shape_after({"Unsqueeze", 13}, {y, ints({-1, 1})}) == Shape{3, 1, 2, 1});
  CHECK(shape_after({"Unsqueeze", 13}, {y, ints({3, 0, 2})}) == Shape{1, 3, 1, 1, 2});
  check_fails({"Unsqueeze", 13}, {y, ints({3})});
  check_fails({"Unsqueeze", 13}, {y, ints({0, 0})});
  check_fails({"Unsqueeze", 11}, {y});
}

TEST_CASE("Dropout passes data through and refuses to drop", "[ops]") {
  const Tensor x = counting<float>({2, 2});
  CHECK(shape_after({"Dropout", 13}, {x}) == x.shape());
  OpCase masked{"Dropout", 13};
  masked.num_outputs = 2;
  const std::vector<Tensor> outputs = run_op(masked, {x});
  CHECK(values<float>(outputs[0]) == values<float>(x));
  CHECK(values<bool>(outputs[1]) == std::vector<bool>(4, true));
  masked.opset = 7;
  CHECK(values<float>(run_op(masked, {x})[1]) == std::vector<float>(4, 1.0F));
  const Tensor yes = bools({}, {1});
  CHECK(values<float>(run_op1({"Dropout", 13}, {x, Tensor::scalar(0.0F), yes})) == values<float>(x));
  check_fails({"Dropout", 13}, {x, Tensor::scalar(0.5F), yes}, ErrorKind::unsupported);
  check_fails({"Dropout", 13}, {x, Tensor(), yes}, ErrorKind::unsupported);
  check_fails({"Dropout", 6}, {x}, ErrorKind::unsupported);
  CHECK(shape_after({"Dropout", 6, {{"is_test", std::int64_t{1}}}}, {x}) == x.shape());
}

TEST_CASE("Identity keeps every movable type and refuses strings", "[ops]") {
  CHECK(shape_after({"Identity", 21}, {Tensor(TensorType{DType::f8e5m2, {3}})}) == Shape{3});
  CHECK(shape_after({"Identity", 21}, {Tensor(TensorType{DType::u4, {3}})}) == Shape{3});
  check_fails({"Identity", 17}, {Tensor::of_strings({1}, {"a"})}, ErrorKind::unsupported);
}
