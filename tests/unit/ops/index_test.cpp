#include <cmath>
#include <limits>

#include "core/float_formats.hpp"
#include "unit/ops/op_runner.hpp"
#include "unit/ops/reference.hpp"

// Gather, GatherElements, GatherND, ScatterElements, ScatterND.

using namespace nq;
using namespace nq::test;

namespace {

Attributes axis(std::int64_t value) { return {{"axis", value}}; }

Attributes reduction(const char* name) { return {{"reduction", std::string(name)}}; }

}  // namespace

TEST_CASE("Gather picks blocks, counting negative indices from the end", "[ops]") {
  const Tensor x = counting<float>({3, 2});
  const Tensor y = run_op1({"Gather", 13}, {x, tensor<std::int64_t>({2, 1}, {2, -3})});
  CHECK(y.shape() == Shape{2, 1, 2});
  CHECK(values<float>(y) == std::vector<float>{4, 5, 0, 1});
  const Tensor column = run_op1({"Gather", 13, axis(1)}, {x, tensor<std::int32_t>({}, {1})});
  CHECK(column.shape() == Shape{3});
  CHECK(values<float>(column) == std::vector<float>{1, 3, 5});
  CHECK(run_op1({"Gather", 13}, {x, ints({})}).shape() == Shape{0, 2});
}

TEST_CASE("Gather works on every element size", "[ops]") {
  const Tensor indices = ints({1, 0});
  CHECK(values<bool>(run_op1({"Gather", 13}, {bools({2}, {1, 0}), indices})) ==
        std::vector<bool>{false, true});
  CHECK(values<double>(run_op1({"Gather", 13}, {counting<double>({2}), indices})) ==
        std::vector<double>{1, 0});
  CHECK(values<std::int16_t>(run_op1({"Gather", 13}, {counting<std::int16_t>({2}), indices})) ==
        std::vector<std::int16_t>{1, 0});
}

TEST_CASE("Gather refuses indices outside the axis and names them", "[ops]") {
  const Tensor x = counting<float>({3, 2});
  for (const std::int64_t bad : {std::int64_t{3}, std::int64_t{-4}, std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max()}) {
    check_fails({"Gather", 13}, {x, ints({bad})});
    check_fails({"GatherElements", 13}, {x, Tensor::of<std::int64_t>({1, 1}, std::vector{bad})});
    check_fails({"GatherND", 13}, {x, ints({bad})});
    check_fails({"ScatterND", 18}, {x, ints({bad}), counting<float>({2})});
  }
  CHECK_THROWS_WITH(run_op1({"Gather", 13}, {x, ints({7})}), Catch::Contains("index 7 is outside"));
  check_fails({"Gather", 13}, {Tensor(TensorType{DType::f32, {0, 2}}), ints({0})});
  check_fails({"Gather", 13}, {x, counting<float>({2})});
  check_fails({"Gather", 13, axis(2)}, {x, ints({0})});
}

TEST_CASE("GatherElements takes one element per index", "[ops]") {
  const Tensor x = tensor<float>({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Tensor indices = tensor<std::int64_t>({2, 3}, {1, 2, 0, 2, -3, 0});
  CHECK(values<float>(run_op1({"GatherElements", 13}, {x, indices})) == std::vector<float>{4, 8, 3, 7, 2, 3});
  CHECK(values<float>(run_op1({"GatherElements", 13, axis(1)}, {x, indices})) ==
        std::vector<float>{2, 3, 1, 6, 4, 4});
  check_fails({"GatherElements", 13, axis(1)}, {x, counting<std::int64_t>({4, 1})});
  check_fails({"GatherElements", 13}, {x, ints({0})});
}

TEST_CASE("GatherND addresses blocks by tuples within batches", "[ops]") {
  const Tensor x = counting<std::int32_t>({2, 2, 2});
  const Tensor pairs = tensor<std::int64_t>({2, 2}, {0, 1, 1, -2});
  CHECK(values<std::int32_t>(run_op1({"GatherND", 11}, {x, pairs})) == std::vector<std::int32_t>{2, 3, 4, 5});
  const Attributes batch{{"batch_dims", std::int64_t{1}}};
  const Tensor rows = tensor<std::int64_t>({2, 1}, {1, 0});
  CHECK(values<std::int32_t>(run_op1({"GatherND", 12, batch}, {x, rows})) ==
        std::vector<std::int32_t>{2, 3, 4, 5});
  check_fails({"GatherND", 12}, {x, counting<std::int64_t>({1, 4})});
  check_fails({"GatherND", 12, batch}, {x, counting<std::int64_t>({3, 1})});
  check_fails({"GatherND", 12, {{"batch_dims", std::int64_t{-1}}}}, {x, rows});
  check_fails({"GatherND", 12, {{"batch_dims", std::int64_t{3}}}}, {x, rows});
}

TEST_CASE("ScatterElements writes in order and reduces", "[ops]") {
  const Tensor x = tensor<float>({1, 4}, {1, 2, 3, 4});
  const Tensor indices = tensor<std::int64_t>({1, 3}, {1, 3, -3});
  const Tensor updates = tensor<float>({1, 3}, {10, 20, 30});
  const auto scatter = [&](const char* name) {
    Attributes attributes = reduction(name);
    attributes["axis"] = std::int64_t{1};
    return values<float>(run_op1({"ScatterElements", 18, attributes}, {x, indices, updates}));
  };
  CHECK(scatter("none") == std::vector<float>{1, 30, 3, 20});
  CHECK(scatter("add") == std::vector<float>{1, 42, 3, 24});
  CHECK(scatter("mul") == std::vector<float>{1, 600, 3, 80});
  CHECK(scatter("max") == std::vector<float>{1, 30, 3, 20});
  CHECK(scatter("min") == std::vector<float>{1, 2, 3, 4});
  CHECK(values<float>(run_op1({"Scatter", 9, axis(1)}, {x, indices, updates})) ==
        std::vector<float>{1, 30, 3, 20});
  check_fails({"ScatterElements", 18, reduction("sum")}, {x, indices, updates});
  check_fails({"ScatterElements", 18, axis(1)}, {x, indices, counting<float>({1, 2})});
}

TEST_CASE("Scatter reductions keep to their type", "[ops]") {
  const auto apply = [](const char* name, const Tensor& x, const Tensor& update) {
    return run_op1({"ScatterElements", 18, reduction(name)}, {x, ints({0}), update});
  };
  // Wraps: 100 + 100 is -56 in int8; 65535 * 65535 leaves 1 in uint16.
  CHECK(values<std::int8_t>(apply("add", tensor<std::int8_t>({1}, {100}), tensor<std::int8_t>({1}, {100}))) ==
        std::vector<std::int8_t>{-56});
  const Tensor full = tensor<std::uint16_t>({1}, {65535});
  CHECK(values<std::uint16_t>(apply("mul", full, full)) == std::vector<std::uint16_t>{1});
  CHECK(values<bool>(apply("add", bools({1}, {1}), bools({1}, {1}))) == std::vector<bool>{true});
  const Tensor nan = tensor<float>({1}, {std::nanf("")});
  CHECK(std::isnan(values<float>(apply("max", tensor<float>({1}, {1}), nan))[0]));
  CHECK(std::isnan(values<float>(apply("min", nan, tensor<float>({1}, {1})))[0]));
  const Tensor half = Tensor::of<Half>({1}, std::vector{to_half(1.5F)});
  CHECK(to_vector<float>(apply("mul", half, half).view()) == std::vector<float>{2.25F});
  check_fails({"ScatterElements", 18, reduction("add")},
              {Tensor(TensorType{DType::u4, {1}}), ints({0}), Tensor(TensorType{DType::u4, {1}})},
              ErrorKind::unsupported);
}

TEST_CASE("ScatterND writes blocks", "[ops]") {
  const Tensor x = counting<float>({3, 2});
  const Tensor rows = tensor<std::int64_t>({2, 1}, {2, 2});
  const Tensor updates = tensor<float>({2, 2}, {10, 20, 30, 40});
  CHECK(values<float>(run_op1({"ScatterND", 11}, {x, rows, updates})) ==
        std::vector<float>{0, 1, 2, 3, 30, 40});
  CHECK(values<float>(run_op1({"ScatterND", 16, reduction("add")}, {x, rows, updates})) ==
        std::vector<float>{0, 1, 2, 3, 44, 65});
  const Tensor cell = tensor<std::int64_t>({1, 2}, {0, -1});
  CHECK(values<float>(run_op1({"ScatterND", 11}, {x, cell, tensor<float>({1}, {9})})) ==
        std::vector<float>{0, 9, 2, 3, 4, 5});
  check_fails({"ScatterND", 11}, {x, rows, counting<float>({2, 3})});
  check_fails({"ScatterND", 11}, {x, counting<std::int64_t>({1, 3}), counting<float>({1})});
}
