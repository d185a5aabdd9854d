#include <limits>

#include "unit/ops/op_runner.hpp"
#include "unit/ops/reference.hpp"

// Transpose, Concat, Split, Slice, Expand, Tile, DepthToSpace and SpaceToDepth.

using namespace nq;
using namespace nq::test;

namespace {

using Ints = std::vector<std::int64_t>;

/// Checks a Transpose against index arithmetic.
template <typename T>
void check_transpose(const Shape& shape, const Ints& perm) {
  const Tensor x = counting<T>(shape);
  const Tensor y = run_op1({"Transpose", 13, {{"perm", perm}}}, {x});
  const auto in = x.template span<T>();
  const auto out = y.template span<T>();
  std::int64_t wrong = 0;
  for_each_index(y.shape(), [&](const Index& index) {
    Index source(index.size());
    for (std::size_t k = 0; k < perm.size(); ++k) source[perm[k]] = index[k];
    wrong += in[offset_of(shape, source)] != out[offset_of(y.shape(), index)];
  });
  INFO(to_string(shape));
  CHECK(wrong == 0);
}

std::vector<float> slice(const Tensor& x, Ints starts, Ints ends, Ints axes, Ints steps) {
  return values<float>(run_op1({"Slice", 13}, {x, ints(starts), ints(ends), ints(axes), ints(steps)}));
}

}  // namespace

TEST_CASE("Transpose moves elements of every size", "[ops]") {
  check_transpose<float>({2, 5, 3, 64}, {0, 2, 1, 3});
  check_transpose<float>({2, 5, 3, 7}, {0, 2, 1, 3});
  // Whole and partial tiles on both sides.
  check_transpose<float>({3, 100, 75}, {0, 2, 1});
  check_transpose<float>({64, 32}, {1, 0});
  check_transpose<std::int8_t>({65, 33}, {1, 0});
  check_transpose<std::uint16_t>({40, 3, 41}, {2, 1, 0});
  check_transpose<double>({7, 40, 35}, {2, 0, 1});
  check_transpose<std::int32_t>({3, 4, 2, 5, 2}, {4, 2, 0, 3, 1});
  check_transpose<float>({1, 9, 1}, {2, 0, 1});
  check_transpose<float>({0, 9, 3}, {2, 0, 1});
  check_transpose<float>({}, {});
}

TEST_CASE("Transpose reverses by default and refuses what is no permutation", "[ops]") {
  const Tensor x = counting<float>({2, 3});
  CHECK(values<float>(run_op1({"Transpose", 1}, {x})) == std::vector<float>{0, 3, 1, 4, 2, 5});
  for (const Ints& perm : {Ints{0, 0}, Ints{0}, Ints{0, 2}, Ints{0, 1, 2}}) {
    check_fails({"Transpose", 13, {{"perm", perm}}}, {x});
  }
}

TEST_CASE("Concat joins along any axis", "[ops]") {
  const Tensor a = tensor<float>({2, 1}, {1, 2});
  const Tensor b = tensor<float>({2, 2}, {3, 4, 5, 6});
  const Tensor empty(TensorType{DType::f32, {2, 0}});
  const Attributes last{{"axis", std::int64_t{-1}}};
  CHECK(values<float>(run_op1({"Concat", 13, last}, {a, empty, b})) == std::vector<float>{1, 3, 4, 2, 5, 6});
  CHECK(values<float>(run_op1({"Concat", 1}, {a, b})) == std::vector<float>{1, 3, 4, 2, 5, 6});
  CHECK(run_op1({"Concat", 13, {{"axis", std::int64_t{0}}}}, {b, b}).shape() == Shape{4, 2});
  check_fails({"Concat", 13, {{"axis", std::int64_t{0}}}}, {a, b});
  check_fails({"Concat", 13, {{"axis", std::int64_t{2}}}}, {a, b});
  check_fails({"Concat", 13}, {a, b});
  check_fails({"Concat", 13, last}, {a, counting<double>({2, 2})});
}

TEST_CASE("Split takes lengths as attribute or input, or equal parts", "[ops]") {
  const Tensor x = counting<float>({2, 5});
  OpCase op{"Split", 13, {{"axis", std::int64_t{1}}}, 2};
  const std::vector<Tensor> parts = run_op(op, {x, ints({2, 3})});
  CHECK(values<float>(parts[0]) == std::vector<float>{0, 1, 5, 6});
  CHECK(values<float>(parts[1]) == std::vector<float>{2, 3, 4, 7, 8, 9});
  CHECK(run_op(op, {x, ints({5, 0})})[1].shape() == Shape{2, 0});
  for (const Ints& lengths : {Ints{2, 2}, Ints{3, 3}, Ints{-1, 6}, Ints{5}, Ints{kLargest, kLargest}}) {
    check_fails(op, {x, ints(lengths)});
  }
  check_fails(op, {x});
  op.opset = 18;
  const std::vector<Tensor> uneven = run_op(op, {x});
  CHECK(uneven[0].shape() == Shape{2, 3});
  CHECK(uneven[1].shape() == Shape{2, 2});
  op.attributes["num_outputs"] = std::int64_t{3};
  check_fails(op, {x});
  const OpCase old{"Split", 2, {{"split", Ints{4, 1}}, {"axis", std::int64_t{1}}}, 2};
  CHECK(values<float>(run_op(old, {x})[1]) == std::vector<float>{4, 9});
  const OpCase first{"Split", 1, {}, 2};
  CHECK(run_op(first, {x, ints({1, 1})})[1].shape() == Shape{1, 5});
}

TEST_CASE("Slice clamps positions and walks in both directions", "[ops]") {
  const Tensor x = counting<float>({6});
  CHECK(slice(x, {1}, {4}, {0}, {1}) == std::vector<float>{1, 2, 3});
  CHECK(slice(x, {-2}, {kLargest}, {-1}, {1}) == std::vector<float>{4, 5});
  CHECK(slice(x, {kLargest}, {kSmallest}, {0}, {-2}) == std::vector<float>{5, 3, 1});
  CHECK(slice(x, {4}, {1}, {0}, {-1}) == std::vector<float>{4, 3, 2});
  CHECK(slice(x, {0}, {6}, {0}, {kLargest}) == std::vector<float>{0});
  CHECK(slice(x, {5}, {kSmallest}, {0}, {kSmallest}) == std::vector<float>{5});
  CHECK(slice(x, {4}, {2}, {0}, {1}).empty());
  CHECK(slice(counting<float>({2, 3}), {1, 2}, {0, kSmallest}, {0, 1}, {-1, -2}) == std::vector<float>{5, 3});
  CHECK(values<float>(run_op1({"Slice", 10}, {x, ints({4}), ints({9})})) == std::vector<float>{4, 5});
  const Attributes old{{"starts", Ints{-3}}, {"ends", Ints{-1}}};
  CHECK(values<float>(run_op1({"Slice", 1, old}, {x})) == std::vector<float>{3, 4});
  CHECK(slice(Tensor(TensorType{DType::f32, {0, 2}}), {0}, {5}, {0}, {1}).empty());
}

TEST_CASE("Slice refuses contradictory arguments", "[ops]") {
  const Tensor x = counting<float>({6});
  check_fails({"Slice", 13}, {x, ints({0}), ints({1}), ints({0}), ints({0})});
  check_fails({"Slice", 13}, {x, ints({0, 0}), ints({1}), ints({0}), ints({1})});
  check_fails({"Slice", 13}, {x, ints({0, 0}), ints({1, 1}), ints({0, -1}), ints({1, 1})});
  check_fails({"Slice", 13}, {x, ints({0}), ints({1}), ints({1}), ints({1})});
  check_fails({"Slice", 1}, {x});
}

TEST_CASE("Expand repeats axes of length one", "[ops]") {
  const Tensor x = tensor<float>({2, 1}, {1, 2});
  CHECK(values<float>(run_op1({"Expand", 13}, {x, ints({2, 3})})) == std::vector<float>{1, 1, 1, 2, 2, 2});
  CHECK(values<float>(run_op1({"Expand", 13}, {x, ints({2, 1, 1})})) == std::vector<float>{1, 2, 1, 2});
  CHECK(run_op1({"Expand", 13}, {x, ints({1})}).shape() == Shape{2, 1});
  CHECK(run_op1({"Expand", 13}, {x, ints({2, 0})}).shape() == Shape{2, 0});
  check_fails({"Expand", 13}, {x, ints({3, 3})});
  check_fails({"Expand", 13}, {x, ints({-1, 1})});
  check_fails({"Expand", 13}, {x, ints({kLargest, 1, 1})}, ErrorKind::resource);
}

TEST_CASE("Tile repeats whole axes", "[ops]") {
  const Tensor x = tensor<float>({1, 2}, {1, 2});
  CHECK(values<float>(run_op1({"Tile", 13}, {x, ints({2, 2})})) ==
        std::vector<float>{1, 2, 1, 2, 1, 2, 1, 2});
  CHECK(run_op1({"Tile", 13}, {x, ints({0, 2})}).shape() == Shape{0, 4});
  CHECK(values<float>(run_op1({"Tile", 1}, {x, Tensor::scalar(2.0F), Tensor::scalar(1.0F)})) ==
        std::vector<float>{1, 2, 1, 2});
  check_fails({"Tile", 13}, {x, ints({2})});
  check_fails({"Tile", 13}, {x, ints({-1, 2})});
  check_fails({"Tile", 13}, {x, ints({1, kLargest})}, ErrorKind::resource);
  check_fails({"Tile", 13}, {x, ints({1 << 20, 1 << 20})}, ErrorKind::resource);
}

TEST_CASE("DepthToSpace follows the formula of the standard", "[ops]") {
  const std::int64_t b = 2, c = 3, h = 2, w = 4;
  for (const std::string mode : {"DCR", "CRD"}) {
    const Tensor x = counting<float>({2, c * b * b, h, w});
    const Attributes attributes{{"blocksize", b}, {"mode", mode}};
    const Tensor y = run_op1({"DepthToSpace", 13, attributes}, {x});
    REQUIRE(y.shape() == Shape{2, c, h * b, w * b});
    for_each_index(y.shape(), [&](const Index& at) {
      const std::int64_t row = at[2] % b, column = at[3] % b;
      const std::int64_t depth =
          mode == "DCR" ? (row * b + column) * c + at[1] : (at[1] * b + row) * b + column;
      const std::int64_t source = offset_of(x.shape(), {at[0], depth, at[2] / b, at[3] / b});
      REQUIRE(y.span<float>()[offset_of(y.shape(), at)] == static_cast<float>(source));
    });
    const Tensor back = run_op1({"SpaceToDepth", 28, attributes}, {y});
    CHECK(back.shape() == x.shape());
    CHECK(values<float>(back) == values<float>(x));
  }
  const Tensor x = counting<float>({1, 3, 2, 2});
  check_fails({"DepthToSpace", 13, {{"blocksize", std::int64_t{2}}}}, {x});
  check_fails({"DepthToSpace", 13, {{"blocksize", std::int64_t{0}}}}, {x});
  check_fails({"SpaceToDepth", 13, {{"blocksize", std::int64_t{3}}}}, {x});
  check_fails({"SpaceToDepth", 13, {{"blocksize", kLargest}}}, {x});
}
