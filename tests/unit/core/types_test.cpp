#include "nq/types.hpp"

#include <catch2/catch.hpp>

#include "support/errors.hpp"

namespace nq {

TEST_CASE("shapes count their elements", "[core]") {
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{3, 4}.elements() == 12);
  CHECK(Shape{3, 0, 7}.elements() == 0);
  CHECK(to_string(Shape{8, 197, 384}) == "[8,197,384]");
  CHECK(to_string(Shape{}) == "[]");
  CHECK(to_string(TensorType{DType::f16, {2, 3}}) == "float16[2,3]");
}

TEST_CASE("shapes with negative or huge dimensions are refused", "[core]") {
  CHECK_ERROR((Shape{2, -1}.elements()), input, "negative dimension");
  CHECK_ERROR((Shape{std::int64_t{1} << 40}.elements()), resource, "2^34");
  CHECK_ERROR((Shape{1 << 20, 1 << 20}.elements()), resource, "more than 2^34 elements");
  // The product wraps to 0 in 64 bits.
  CHECK_ERROR((Shape{1LL << 32, 1LL << 32}.elements()), resource, "2^34");
  // A zero elsewhere does not excuse a dimension that nothing could hold.
  CHECK_ERROR((Shape{0, std::int64_t{1} << 40}.elements()), resource, "2^34");
  CHECK(Shape{kMaxElements}.elements() == kMaxElements);
  CHECK(Shape{0, kMaxElements, kMaxElements}.elements() == 0);
}

TEST_CASE("tensor bytes follow the element type", "[core]") {
  CHECK(TensorType{DType::f32, {3}}.bytes() == 12);
  CHECK(TensorType{DType::f64, {3}}.bytes() == 24);
  CHECK(TensorType{DType::bf16, {3}}.bytes() == 6);
  CHECK(TensorType{DType::i4, {3}}.bytes() == 3);
  CHECK(TensorType{DType::string, {3}}.bytes() == 0);
  // The largest tensor of the widest type still fits 64 bits.
  CHECK(TensorType{DType::f64, {kMaxElements}}.bytes() == std::size_t{1} << 37);
}

TEST_CASE("axes are normalized or refused", "[core]") {
  CHECK(normalize_axis(-1, 4) == 3);
  CHECK(normalize_axis(0, 4) == 0);
  CHECK(normalize_axis(-4, 4) == 0);
  CHECK_ERROR(normalize_axis(4, 4), input, "axis 4 is outside rank 4");
  CHECK_ERROR(normalize_axis(-5, 4), input, "axis -5");
  CHECK_ERROR(normalize_axis(0, 0), input, "axis 0");
  CHECK_ERROR(normalize_axis(INT64_MIN, 4), input, "outside");
}

TEST_CASE("types are classified as floats, integers or neither", "[core]") {
  for (const DType dtype :
       {DType::f32, DType::f64, DType::f16, DType::bf16, DType::f8e4m3fn, DType::f8e5m2fnuz}) {
    CHECK(is_float(dtype));
    CHECK_FALSE(is_integer(dtype));
  }
  for (const DType dtype : {DType::i4, DType::u4, DType::i8, DType::u64}) {
    CHECK(is_integer(dtype));
    CHECK_FALSE(is_float(dtype));
  }
  for (const DType dtype : {DType::boolean, DType::string}) {
    CHECK_FALSE(is_float(dtype));
    CHECK_FALSE(is_integer(dtype));
  }
}

}  // namespace nq
