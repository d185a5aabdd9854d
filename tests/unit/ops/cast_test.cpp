#include <cmath>
#include <limits>

#include "core/float_formats.hpp"
#include "dtype_numbers.hpp"
#include "op_runner.hpp"
#include "ops/convert.hpp"

using namespace nq;
using namespace nq::test;

namespace {

Tensor cast(const Tensor& x, std::int64_t to, Attributes attributes = {}) {
  attributes["to"] = to;
  return run_op1({"Cast", 21, std::move(attributes)}, {x});
}

}  // namespace

TEST_CASE("Cast between integers drops high bits", "[ops]") {
  const Tensor x = tensor<std::int64_t>({4}, {200, -1, 256, std::int64_t{1} << 40});
  CHECK(values<std::int8_t>(cast(x, kInt8)) == std::vector<std::int8_t>{-56, -1, 0, 0});
  CHECK(values<std::uint8_t>(cast(x, kUint8)) == std::vector<std::uint8_t>{200, 255, 0, 0});
  CHECK(values<bool>(cast(x, kBool)) == std::vector<bool>{true, true, true, true});
  CHECK(to_vector<std::int32_t>(cast(x, kInt4).view()) == std::vector<std::int32_t>{-8, -1, 0, 0});
  CHECK(to_vector<std::int32_t>(cast(x, kUint4).view()) == std::vector<std::int32_t>{8, 15, 0, 0});
}

TEST_CASE("Cast from float truncates and is defined everywhere", "[ops]") {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor x = tensor<float>({8}, {1.9F, -1.9F, 3e9F, -3e9F, NAN, inf, -inf, 1e30F});
  CHECK(values<std::int32_t>(cast(x, kInt32)) ==
        std::vector<std::int32_t>{1, -1, 2147483647, INT32_MIN, 0, 2147483647, INT32_MIN, 2147483647});
  CHECK(values<std::int64_t>(cast(x, kInt64)) ==
        std::vector<std::int64_t>{1, -1, 3000000000, -3000000000, 0, INT64_MAX, INT64_MIN, INT64_MAX});
  CHECK(values<std::uint64_t>(cast(x, kUint64)).at(7) == UINT64_MAX);
  CHECK(values<std::uint8_t>(cast(tensor<float>({2}, {300, -1}), kUint8)) ==
        std::vector<std::uint8_t>{44, 255});
  CHECK(values<bool>(cast(tensor<float>({3}, {0.0F, -0.0F, 0.1F}), kBool)) ==
        std::vector<bool>{false, false, true});
}

TEST_CASE("Cast to float16 and bfloat16 rounds once", "[ops]") {
  // 1 + 2^-11 + 2^-30 is just above the middle of two float16 values; float32 would lose the excess.
  const double above_middle = 1 + std::ldexp(1.0, -11) + std::ldexp(1.0, -30);
  const Tensor half = cast(Tensor::scalar(above_middle), kFloat16);
  CHECK(to_vector<double>(half.view())[0] == 1 + std::ldexp(1.0, -10));
  const double above_middle_bf16 = 1 + std::ldexp(1.0, -8) + std::ldexp(1.0, -30);
  CHECK(to_vector<double>(cast(Tensor::scalar(above_middle_bf16), kBfloat16).view())[0] ==
        1 + std::ldexp(1.0, -7));
  const Tensor overflow = cast(tensor<double>({2}, {1e6, -1e300}), kFloat16);
  CHECK(std::isinf(to_vector<double>(overflow.view())[0]));
  CHECK(to_vector<double>(overflow.view())[1] == -std::numeric_limits<double>::infinity());
}

TEST_CASE("float16 conversion of arrays equals the scalar conversion", "[ops]") {
  std::vector<Half> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].bits = static_cast<std::uint16_t>(i);
  const Tensor wide = cast(tensor<Half>({65536}, all), kFloat);
  const Tensor back = cast(wide, kFloat16);
  bool same = true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const float expected = to_float(all[i]);
    const float actual = wide.span<float>()[i];
    same = same && (std::isnan(expected) ? std::isnan(actual) : actual == expected);
    same = same && (std::isnan(expected) || back.span<Half>()[i].bits == all[i].bits);
  }
  CHECK(same);
}

TEST_CASE("Cast to float8 saturates unless told otherwise", "[ops]") {
  const Tensor x = tensor<float>({3}, {1e6F, -1e6F, 0.47F});
  CHECK(to_vector<float>(cast(x, kE4m3).view()) == std::vector<float>{448, -448, 0.46875F});
  const auto open = to_vector<float>(cast(x, kE4m3, {{"saturate", std::int64_t{0}}}).view());
  CHECK(std::isnan(open[0]));
  CHECK(open[2] == 0.46875F);
}

TEST_CASE("Cast by name, CastLike, and what is refused", "[ops]") {
  const Tensor x = tensor<float>({2}, {1.5F, 2.5F});
  CHECK(values<std::int64_t>(run_op1({"Cast", 1, {{"to", std::string("INT64")}}}, {x})) ==
        std::vector<std::int64_t>{1, 2});
  CHECK(values<std::int8_t>(run_op1({"CastLike", 15}, {x, Tensor::scalar(std::int8_t{0})})) ==
        std::vector<std::int8_t>{1, 2});
  check_fails({"Cast"}, {x});
  check_fails({"Cast", 17, {{"to", std::int64_t{99}}}}, {x});
  check_fails({"Cast", 17, {{"to", kComplex}}}, {x}, ErrorKind::unsupported);
  check_fails({"Cast", 17, {{"to", kString}}}, {x}, ErrorKind::unsupported);
  check_fails({"Cast", 1, {{"to", std::string("NONSENSE")}}}, {x});
}

TEST_CASE("every pair of numeric types has a converter", "[ops]") {
  const DType all[] = {DType::f32,      DType::f64,        DType::f16,     DType::bf16,      DType::i8,
                       DType::u8,       DType::i16,        DType::u16,     DType::i32,       DType::u32,
                       DType::i64,      DType::u64,        DType::boolean, DType::i4,        DType::u4,
                       DType::f8e4m3fn, DType::f8e4m3fnuz, DType::f8e5m2,  DType::f8e5m2fnuz};
  const Tensor one = Tensor::scalar(1.0F);
  for (const DType from : all) {
    Tensor source(TensorType{from, {}});
    find_converter(DType::f32, from)(one.data(), source.mutable_data(), 1);
    for (const DType to : all) {
      Tensor target(TensorType{to, {}});
      find_converter(from, to)(source.data(), target.mutable_data(), 1);
      INFO(to_string(from) << " to " << to_string(to));
      CHECK(to_vector<double>(target.view()) == std::vector<double>{1});
    }
  }
}
