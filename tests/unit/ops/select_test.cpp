#include <cmath>
#include <limits>

#include "core/float_formats.hpp"
#include "unit/ops/op_runner.hpp"
#include "unit/ops/reference.hpp"

// Where, Trilu, OneHot, TopK, NonZero.

using namespace nq;
using namespace nq::test;

namespace {

using Ints = std::vector<std::int64_t>;

std::vector<Tensor> top_k(const Tensor& x, std::int64_t k, Attributes attributes = {}) {
  return run_op({"TopK", 11, std::move(attributes), 2}, {x, ints({k})});
}

}  // namespace

TEST_CASE("Where broadcasts all three operands", "[ops]") {
  const Tensor condition = bools({2, 1}, {1, 0});
  const Tensor y = run_op1({"Where", 16}, {condition, tensor<float>({3}, {1, 2, 3}), Tensor::scalar(9.0F)});
  CHECK(y.shape() == Shape{2, 3});
  CHECK(values<float>(y) == std::vector<float>{1, 2, 3, 9, 9, 9});
  const Tensor bytes = run_op1(
      {"Where", 9}, {bools({2}, {0, 1}), counting<std::uint8_t>({2}), tensor<std::uint8_t>({1}, {7})});
  CHECK(values<std::uint8_t>(bytes) == std::vector<std::uint8_t>{7, 1});
  check_fails({"Where", 16}, {counting<float>({2}), counting<float>({2}), counting<float>({2})});
  check_fails({"Where", 16}, {condition, counting<float>({3}), counting<double>({3})});
  check_fails({"Where", 16}, {bools({2}, {1, 0}), counting<float>({3}), counting<float>({3})});
}

TEST_CASE("Trilu keeps one side of any diagonal", "[ops]") {
  const Tensor x = tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto lower = [&](std::int64_t k) {
    return values<float>(run_op1({"Trilu", 14, {{"upper", std::int64_t{0}}}}, {x, Tensor::scalar(k)}));
  };
  CHECK(values<float>(run_op1({"Trilu", 14}, {x})) == std::vector<float>{1, 2, 3, 0, 5, 6});
  CHECK(lower(0) == std::vector<float>{1, 0, 0, 4, 5, 0});
  CHECK(lower(std::numeric_limits<std::int64_t>::max()) == values<float>(x));
  CHECK(lower(std::numeric_limits<std::int64_t>::min()) == std::vector<float>(6, 0.0F));
  OpCase at_run_time{"Trilu", 14};
  at_run_time.constant_inputs = false;
  CHECK(values<float>(run_op1(at_run_time, {x, Tensor::scalar(std::int64_t{2})})) ==
        std::vector<float>{0, 0, 3, 0, 0, 0});
  check_fails({"Trilu", 14}, {counting<float>({3})});
}

TEST_CASE("OneHot places depth anywhere and ignores indices outside", "[ops]") {
  const Tensor indices = tensor<std::int64_t>({4}, {0, -1, 3, std::numeric_limits<std::int64_t>::min()});
  const Tensor values_off_on = tensor<float>({2}, {2, 5});
  const Tensor rows = run_op1({"OneHot", 11}, {indices, Tensor::scalar(3.0F), values_off_on});
  CHECK(rows.shape() == Shape{4, 3});
  CHECK(values<float>(rows) == std::vector<float>{5, 2, 2, 2, 2, 5, 2, 2, 2, 2, 2, 2});
  const Tensor columns = run_op1({"OneHot", 11, {{"axis", std::int64_t{0}}}},
                                 {tensor<float>({2}, {1, std::nanf("")}), ints({2}), values_off_on});
  CHECK(columns.shape() == Shape{2, 2});
  CHECK(values<float>(columns) == std::vector<float>{2, 2, 5, 2});
  const Tensor wide = tensor<std::uint64_t>({1}, {std::numeric_limits<std::uint64_t>::max()});
  CHECK(values<float>(run_op1({"OneHot", 11}, {wide, ints({2}), values_off_on})) == std::vector<float>{2, 2});
  check_fails({"OneHot", 11}, {indices, ints({-1}), values_off_on});
  check_fails({"OneHot", 11}, {indices, Tensor::scalar(std::nanf("")), values_off_on});
  check_fails({"OneHot", 11}, {indices, ints({3}), counting<float>({3})});
}

TEST_CASE("TopK sorts, keeps ties in order and treats NaN as largest", "[ops]") {
  const Tensor x = tensor<float>({5}, {2, 7, 2, 9, 7});
  std::vector<Tensor> top = top_k(x, 3);
  CHECK(values<float>(top[0]) == std::vector<float>{9, 7, 7});
  CHECK(values<std::int64_t>(top[1]) == Ints{3, 1, 4});
  top = top_k(x, 5, {{"largest", std::int64_t{0}}});
  CHECK(values<std::int64_t>(top[1]) == Ints{0, 2, 1, 4, 3});
  const Tensor nan = tensor<float>({3}, {1, std::nanf(""), 2});
  CHECK(values<std::int64_t>(top_k(nan, 3)[1]) == Ints{1, 2, 0});
  CHECK(values<std::int64_t>(top_k(nan, 3, {{"largest", std::int64_t{0}}})[1]) == Ints{0, 2, 1});
  CHECK(top_k(x, 0)[0].shape() == Shape{0});
  const Tensor halves = Tensor::of<Half>({2}, std::vector{to_half(-1.0F), to_half(0.5F)});
  CHECK(values<std::int64_t>(top_k(halves, 1)[1]) == Ints{1});
}

TEST_CASE("TopK works along inner axes and over many rows", "[ops]") {
  const Tensor x = tensor<std::int32_t>({3, 2}, {1, 6, 5, 2, 3, 4});
  const std::vector<Tensor> top = top_k(x, 2, {{"axis", std::int64_t{0}}});
  CHECK(values<std::int32_t>(top[0]) == std::vector<std::int32_t>{5, 6, 3, 4});
  CHECK(values<std::int64_t>(top[1]) == Ints{1, 0, 2, 2});
  const std::vector<Tensor> many = top_k(counting<float>({50, 4}), 1);
  for (std::int64_t row = 0; row < 50; ++row) {
    CHECK(many[0].span<float>()[row] == static_cast<float>(4 * row + 3));
  }
  const OpCase first{"TopK", 1, {{"k", std::int64_t{1}}}, 2};
  CHECK(values<std::int32_t>(run_op(first, {x})[0]) == std::vector<std::int32_t>{6, 5, 4});
  check_fails({"TopK", 11, {}, 2}, {x, ints({3})});
  check_fails({"TopK", 11, {}, 2}, {x, ints({-1})});
  check_fails({"TopK", 11, {}, 2}, {x, ints({1, 1})});
}

TEST_CASE("NonZero lists positions of a constant", "[ops]") {
  const Tensor x = tensor<float>({2, 2}, {0, -1, std::nanf(""), -0.0F});
  const Tensor y = run_op1({"NonZero", 13}, {x});
  CHECK(y.shape() == Shape{2, 2});
  CHECK(values<std::int64_t>(y) == Ints{0, 1, 1, 0});
  CHECK(run_op1({"NonZero", 13}, {bools({}, {1})}).shape() == Shape{0, 1});
  OpCase at_run_time{"NonZero", 13};
  at_run_time.constant_inputs = false;
  check_fails(at_run_time, {x}, ErrorKind::unsupported);
}
