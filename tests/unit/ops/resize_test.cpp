#include <cmath>
#include <limits>

#include "unit/ops/op_runner.hpp"
#include "unit/ops/reference.hpp"

using namespace nq;
using namespace nq::test;

namespace {

using Ints = std::vector<std::int64_t>;

Tensor floats(const std::vector<float>& list) {
  return tensor<float>({static_cast<std::int64_t>(list.size())}, list);
}

Attributes modes(const char* mode, const char* coordinates = "half_pixel") {
  return {{"mode", std::string(mode)}, {"coordinate_transformation_mode", std::string(coordinates)}};
}

std::vector<float> resize_to(const Tensor& x, const Ints& sizes, Attributes attributes) {
  return values<float>(run_op1({"Resize", 19, std::move(attributes)}, {x, Tensor(), Tensor(), ints(sizes)}));
}

void check_close(const std::vector<float>& actual, const std::vector<double>& expected) {
  REQUIRE(actual.size() == expected.size());
  // Weights and sums are rounded to float32: a few units in the last place of values near 10.
  for (std::size_t k = 0; k < actual.size(); ++k) CHECK(actual[k] == Approx(expected[k]).margin(1e-5));
}

}  // namespace

TEST_CASE("Resize nearest rounds as nearest_mode says", "[ops]") {
  const Tensor x = counting<float>({4});
  // Positions of the six outputs: -0.1667, 0.5, 1.1667, 1.8333, 2.5, 3.1667.
  const auto with = [&](const char* rounding) {
    Attributes attributes = modes("nearest");
    attributes["nearest_mode"] = std::string(rounding);
    return resize_to(x, {6}, attributes);
  };
  CHECK(with("round_prefer_floor") == std::vector<float>{0, 0, 1, 2, 2, 3});
  CHECK(with("round_prefer_ceil") == std::vector<float>{0, 1, 1, 2, 3, 3});
  CHECK(with("floor") == std::vector<float>{0, 0, 1, 1, 2, 3});
  CHECK(with("ceil") == std::vector<float>{0, 1, 2, 2, 3, 3});
  check_fails({"Resize", 19, {{"nearest_mode", std::string("up")}}}, {x, Tensor(), Tensor(), ints({6})});
}

TEST_CASE("Resize linear follows the coordinate modes", "[ops]") {
  const Tensor x = tensor<float>({2}, {0, 8});
  check_close(resize_to(x, {4}, modes("linear")), {0, 2, 6, 8});
  check_close(resize_to(x, {4}, modes("linear", "asymmetric")), {0, 4, 8, 8});
  check_close(resize_to(x, {5}, modes("linear", "align_corners")), {0, 2, 4, 6, 8});
  check_close(resize_to(x, {1}, modes("linear", "pytorch_half_pixel")), {0});
  check_close(resize_to(x, {1}, modes("linear")), {4});
  check_close(resize_to(x, {4}, modes("linear", "tf_half_pixel_for_nn")), {2, 6, 8, 8});
}

TEST_CASE("Resize cubic uses Keys' kernel with repeated edges", "[ops]") {
  const Tensor x = tensor<float>({1, 1, 1, 4}, {1, 2, 3, 4});
  // Keys at distance 0.25: taps of the four neighbours for a = -0.75.
  const double outer = -0.10546875, near = 0.87890625, far = 0.26171875, beyond = -0.03515625;
  const auto at = [](std::int64_t k) {
    return static_cast<double>(std::min<std::int64_t>(3, std::max<std::int64_t>(0, k)) + 1);
  };
  std::vector<double> expected;
  for (std::int64_t k = 0; k < 8; ++k) {
    const std::int64_t base = (k - 1) >> 1;  // left neighbour of (k + 0.5) / 2 - 0.5
    const bool first = k % 2 == 1;           // 0.25 right of base, else 0.75
    expected.push_back(
        first ? outer * at(base - 1) + near * at(base) + far * at(base + 1) + beyond * at(base + 2)
              : beyond * at(base - 1) + far * at(base) + near * at(base + 1) + outer * at(base + 2));
  }
  check_close(resize_to(x, {1, 1, 1, 8}, modes("cubic")), expected);
}

TEST_CASE("Resize without outside weights keeps a constant constant", "[ops]") {
  const Tensor x = tensor<float>({3}, {5, 5, 5});
  Attributes attributes = modes("cubic");
  attributes["exclude_outside"] = std::int64_t{1};
  attributes["cubic_coeff_a"] = -0.5F;
  check_close(resize_to(x, {7}, attributes), std::vector<double>(7, 5.0));
}

TEST_CASE("Resize antialias averages what it drops", "[ops]") {
  Attributes attributes = modes("linear");
  attributes["antialias"] = std::int64_t{1};
  const Tensor x = tensor<float>({4}, {0, 0, 8, 8});
  // Factor 2: weights 1/8, 3/8, 3/8, 1/8 around the centres, edges repeated.
  check_close(resize_to(x, {2}, attributes), {1, 7});
  check_fails({"Resize", 19, {{"antialias", std::int64_t{1}}}}, {x, Tensor(), Tensor(), ints({2})});
}

TEST_CASE("Resize filters several axes one after the other", "[ops]") {
  const Tensor x = tensor<float>({2, 2}, {0, 4, 8, 12});
  check_close(resize_to(x, {4, 4}, modes("linear")), {0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12});
  const Tensor bytes = tensor<std::uint8_t>({2, 2}, {0, 255, 255, 0});
  const Tensor y = run_op1({"Resize", 19, modes("linear")}, {bytes, Tensor(), Tensor(), ints({3, 3})});
  CHECK(values<std::uint8_t>(y) == std::vector<std::uint8_t>{0, 128, 255, 128, 128, 128, 255, 128, 0});
}

TEST_CASE("Resize takes scales, sizes and axes per opset", "[ops]") {
  const Tensor x = counting<float>({1, 1, 2, 2});
  const Tensor none = floats({});
  const Tensor doubled = run_op1({"Resize", 11}, {x, none, floats({1, 1, 1, 2})});
  CHECK(doubled.shape() == Shape{1, 1, 2, 4});
  CHECK(run_op1({"Resize", 11}, {x, none, none, ints({1, 1, 4, 2})}).shape() == Shape{1, 1, 4, 2});
  Attributes swapped = modes("nearest");
  swapped["axes"] = Ints{3, -2};
  CHECK(run_op1({"Resize", 18, swapped}, {x, Tensor(), floats({3, 2})}).shape() == Shape{1, 1, 4, 6});
  swapped["keep_aspect_ratio_policy"] = std::string("not_larger");
  CHECK(run_op1({"Resize", 18, swapped}, {x, Tensor(), Tensor(), ints({8, 5})}).shape() == Shape{1, 1, 5, 5});
  swapped["keep_aspect_ratio_policy"] = std::string("not_smaller");
  CHECK(run_op1({"Resize", 18, swapped}, {x, Tensor(), Tensor(), ints({8, 5})}).shape() == Shape{1, 1, 8, 8});
  // Opset 10 rounds down when enlarging and up when reducing.
  const Tensor line = counting<float>({4});
  CHECK(values<float>(run_op1({"Resize", 10}, {line, floats({0.6F})})) == std::vector<float>{0, 2});
  CHECK(values<float>(run_op1({"Resize", 10}, {line, floats({1.5F})})) ==
        std::vector<float>{0, 0, 1, 2, 2, 3});
}

TEST_CASE("Resize crops a region and extrapolates", "[ops]") {
  Attributes attributes = modes("linear", "tf_crop_and_resize");
  attributes["extrapolation_value"] = 9.0F;
  const Tensor x = tensor<float>({3}, {0, 2, 4});
  const auto crop = [&](float start, float end, std::int64_t size) {
    return values<float>(
        run_op1({"Resize", 13, attributes}, {x, floats({start, end}), Tensor(), ints({size})}));
  };
  check_close(crop(0.25F, 0.75F, 3), {1, 2, 3});
  check_close(crop(0.5F, 1.5F, 3), {2, 4, 9});
  check_close(crop(0.0F, 1.0F, 1), {2});
  attributes["mode"] = std::string("nearest");
  CHECK(crop(-0.5F, 1.0F, 4) == std::vector<float>{9, 0, 2, 4});
  check_fails({"Resize", 13, attributes}, {x, floats({0}), Tensor(), ints({3})});
  check_fails({"Resize", 13, attributes}, {x, Tensor(), Tensor(), ints({3})});
}

TEST_CASE("Upsample enlarges without half pixels", "[ops]") {
  const Tensor x = tensor<float>({1, 1, 1, 2}, {0, 4});
  const std::vector<float> scales{1, 1, 1, 2};
  CHECK(values<float>(run_op1({"Upsample", 9}, {x, floats(scales)})) == std::vector<float>{0, 0, 4, 4});
  const Attributes linear{{"mode", std::string("linear")}, {"scales", scales}};
  CHECK(values<float>(run_op1({"Upsample", 7, linear}, {x})) == std::vector<float>{0, 2, 4, 4});
  const Attributes first{{"height_scale", 1.0F}, {"width_scale", 2.0F}};
  CHECK(values<float>(run_op1({"Upsample", 1, first}, {x})) == std::vector<float>{0, 0, 4, 4});
  check_fails({"Upsample", 10}, {x, floats(scales)}, ErrorKind::unsupported);
}

TEST_CASE("Resize refuses hostile arguments", "[ops]") {
  const Tensor x = counting<float>({2, 2});
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {0.0F, -1.0F, infinity, std::nanf("")}) {
    check_fails({"Resize", 13}, {x, Tensor(), floats({1, bad})});
  }
  check_fails({"Resize", 13}, {x, Tensor(), floats({1})});
  check_fails({"Resize", 13}, {x, Tensor(), floats({1, 1}), ints({2, 2})});
  check_fails({"Resize", 13}, {x});
  check_fails({"Resize", 13}, {x, Tensor(), floats({1e30F, 1})}, ErrorKind::resource);
  check_fails({"Resize", 13}, {x, Tensor(), Tensor(), ints({2, -1})});
  check_fails({"Resize", 13, modes("sharp")}, {x, Tensor(), floats({1, 1})});
  check_fails({"Resize", 13, modes("nearest", "corner")}, {x, Tensor(), floats({1, 1})});
  check_fails({"Resize", 13, modes("linear")}, {bools({1}, {1}), Tensor(), floats({2})});
  check_fails({"Resize", 13}, {Tensor(TensorType{DType::f32, {0}}), Tensor(), Tensor(), ints({2})});
}
