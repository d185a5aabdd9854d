#include <cmath>
#include <limits>

#include "dtype_numbers.hpp"
#include "op_runner.hpp"

using namespace nq;
using namespace nq::test;

namespace {

/// A scalar zero point of a type that Tensor::scalar cannot make.
Tensor zero_point_of(DType dtype) { return Tensor(TensorType{dtype, {}}); }

}  // namespace

TEST_CASE("QuantizeLinear rounds half to even, then adds the zero point and saturates", "[ops]") {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor x = tensor<float>({10}, {0.25F, 0.75F, -0.25F, -0.75F, 63.5F, 64, -64, -64.5F, inf, -inf});
  const auto codes = values<std::int8_t>(
      run_op1({"QuantizeLinear", 13}, {x, Tensor::scalar(0.5F), Tensor::scalar(std::int8_t{0})}));
  CHECK(codes == std::vector<std::int8_t>{0, 2, 0, -2, 127, 127, -128, -128, 127, -128});
  const auto shifted = values<std::uint8_t>(
      run_op1({"QuantizeLinear", 13}, {x, Tensor::scalar(0.5F), Tensor::scalar(std::uint8_t{3})}));
  CHECK(shifted == std::vector<std::uint8_t>{3, 5, 3, 1, 130, 131, 0, 0, 255, 0});
}

TEST_CASE("QuantizeLinear divides, it does not multiply by the reciprocal", "[ops]") {
  // 0.35 / 0.1 in float32 is 3.5 (ties to 4); 0.35 * (1 / 0.1) also rounds, so compare with the quotient.
  const float scale = 0.1F;
  std::vector<float> x;
  for (int i = -1000; i < 1000; ++i) x.push_back(static_cast<float>(i) * 0.05F);
  const auto codes =
      values<std::int16_t>(run_op1({"QuantizeLinear", 21}, {tensor<float>({2000}, x), Tensor::scalar(scale),
                                                            Tensor::scalar(std::int16_t{0})}));
  bool same = true;
  for (std::size_t i = 0; i < x.size(); ++i)
    same = same && codes[i] == static_cast<int>(std::nearbyint(x[i] / scale));
  CHECK(same);
}

TEST_CASE("QuantizeLinear defaults to uint8 and gives NaN the lowest code", "[ops]") {
  const Tensor y =
      run_op1({"QuantizeLinear", 10}, {tensor<float>({3}, {NAN, -1, 300}), Tensor::scalar(1.0F)});
  CHECK(values<std::uint8_t>(y) == std::vector<std::uint8_t>{0, 0, 255});
  const auto codes =
      values<std::int8_t>(run_op1({"QuantizeLinear", 10}, {tensor<float>({1}, {NAN}), Tensor::scalar(1.0F),
                                                           Tensor::scalar(std::int8_t{5})}));
  CHECK(codes == std::vector<std::int8_t>{-128});
}

TEST_CASE("per-axis quantization on outer, inner and last axes", "[ops]") {
  const Tensor x = tensor<float>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Tensor scale = tensor<float>({2}, {1, 2});
  const Tensor zero_point = tensor<std::int8_t>({2}, {0, 10});
  const auto quantize = [&](std::int64_t axis) {
    return values<std::int8_t>(run_op1({"QuantizeLinear", 13, {{"axis", axis}}}, {x, scale, zero_point}));
  };
  CHECK(quantize(0) == std::vector<std::int8_t>{1, 2, 3, 4, 12, 13, 14, 14});
  CHECK(quantize(1) == std::vector<std::int8_t>{1, 2, 12, 12, 5, 6, 14, 14});
  CHECK(quantize(-1) == std::vector<std::int8_t>{1, 11, 3, 12, 5, 13, 7, 14});
  const Tensor codes = tensor<std::int8_t>({2, 2, 2}, {1, 2, 3, 4, 12, 13, 14, 14});
  CHECK(values<float>(run_op1({"DequantizeLinear", 13, {{"axis", std::int64_t{0}}}},
                              {codes, scale, zero_point})) == std::vector<float>{1, 2, 3, 4, 4, 6, 8, 8});
}

TEST_CASE("blocked quantization with a short last block", "[ops]") {
  const Tensor x = tensor<float>({2, 3}, {2, 4, 6, 8, 10, 12});
  const Attributes rows{{"axis", std::int64_t{1}}, {"block_size", std::int64_t{2}}};
  const Tensor scale = tensor<float>({2, 2}, {1, 2, 2, 4});
  CHECK(values<std::uint8_t>(run_op1({"QuantizeLinear", 21, rows}, {x, scale})) ==
        std::vector<std::uint8_t>{2, 4, 3, 4, 5, 3});
  const Attributes columns{{"axis", std::int64_t{0}}, {"block_size", std::int64_t{2}}};
  const Tensor per_column = tensor<float>({1, 3}, {1, 2, 4});
  const Tensor codes = run_op1({"QuantizeLinear", 21, columns}, {x, per_column});
  CHECK(values<std::uint8_t>(codes) == std::vector<std::uint8_t>{2, 2, 2, 8, 5, 3});
  CHECK(values<float>(run_op1({"DequantizeLinear", 21, columns}, {codes, per_column})) ==
        std::vector<float>{2, 4, 8, 8, 10, 12});
  check_fails({"QuantizeLinear", 21, rows}, {x, tensor<float>({2, 1}, {1, 2})});
  check_fails({"QuantizeLinear", 21, {{"block_size", std::int64_t{-2}}}}, {x, scale});
}

TEST_CASE("4-bit and 16-bit codes", "[ops]") {
  const Tensor x = tensor<float>({4}, {-20, -3, 3, 20});
  const auto codes_of = [&](std::int64_t dtype) {
    const Tensor y = run_op1({"QuantizeLinear", 21, {{"output_dtype", dtype}}}, {x, Tensor::scalar(1.0F)});
    return to_vector<std::int32_t>(y.view());
  };
  CHECK(codes_of(kInt4) == std::vector<std::int32_t>{-8, -3, 3, 7});
  CHECK(codes_of(kUint4) == std::vector<std::int32_t>{0, 0, 3, 15});
  const Tensor wide = tensor<float>({2}, {-1e6F, 1e6F});
  const Tensor y =
      run_op1({"QuantizeLinear", 21}, {wide, Tensor::scalar(1.0F), Tensor::scalar(std::uint16_t{7})});
  CHECK(values<std::uint16_t>(y) == std::vector<std::uint16_t>{0, 65535});
}

TEST_CASE("float8 codes", "[ops]") {
  const Tensor x = tensor<float>({3}, {1, -900, 2000});
  const Tensor y = run_op1({"QuantizeLinear", 19}, {x, Tensor::scalar(2.0F), zero_point_of(DType::f8e4m3fn)});
  CHECK(to_vector<float>(y.view()) == std::vector<float>{0.5F, -448, 448});
  CHECK(values<float>(run_op1({"DequantizeLinear", 19}, {y, Tensor::scalar(2.0F)})) ==
        std::vector<float>{1, -896, 896});
}

TEST_CASE("DequantizeLinear of bias and to float16", "[ops]") {
  const Tensor bias = tensor<std::int32_t>({2}, {-1000, 70000});
  CHECK(values<float>(run_op1({"DequantizeLinear", 13}, {bias, tensor<float>({2}, {0.5F, 0.25F})})) ==
        std::vector<float>{-500, 17500});
  const Tensor codes = tensor<std::uint8_t>({2}, {0, 255});
  const Tensor y = run_op1({"DequantizeLinear", 23, {{"output_dtype", kFloat16}}},
                           {codes, Tensor::scalar(0.5F), Tensor::scalar(std::uint8_t{128})});
  CHECK(y.dtype() == DType::f16);
  CHECK(to_vector<float>(y.view()) == std::vector<float>{-64, 63.5F});
}

TEST_CASE("quantization parameters may be known only at run time", "[ops]") {
  OpCase op{"QuantizeLinear", 13};
  op.constant_inputs = false;
  const Tensor y =
      run_op1(op, {tensor<float>({2}, {1, 2}), Tensor::scalar(0.5F), Tensor::scalar(std::int8_t{1})});
  CHECK(values<std::int8_t>(y) == std::vector<std::int8_t>{3, 5});
}

TEST_CASE("large tensors quantize like small ones", "[ops]") {
  const std::int64_t rows = 300, cols = 129;
  std::vector<float> x(rows * cols), scale(cols);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i)) * 10;
  for (std::size_t i = 0; i < scale.size(); ++i) scale[i] = 0.05F + 0.001F * static_cast<float>(i);
  const Tensor codes =
      run_op1({"QuantizeLinear", 13}, {tensor<float>({rows, cols}, x), tensor<float>({cols}, scale),
                                       tensor<std::int8_t>({cols}, std::vector<std::int8_t>(cols, 2))});
  bool same = true;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float level = std::nearbyint(x[i] / scale[i % cols]) + 2;
    same = same &&
           codes.span<std::int8_t>()[i] == static_cast<int>(std::fmin(127.0F, std::fmax(-128.0F, level)));
  }
  CHECK(same);
}

TEST_CASE("hostile quantization nodes", "[ops]") {
  const Tensor x = tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor scale3 = tensor<float>({3}, {1, 1, 1});
  check_fails({"QuantizeLinear", 13}, {x});
  check_fails({"QuantizeLinear", 13}, {x, tensor<float>({4}, {1, 1, 1, 1})});
  check_fails({"QuantizeLinear", 13, {{"axis", std::int64_t{5}}}}, {x, scale3});
  check_fails({"QuantizeLinear", 13}, {x, scale3, Tensor::scalar(std::int8_t{0})});
  check_fails({"QuantizeLinear", 13}, {x, scale3, tensor<std::int64_t>({3}, {0, 0, 0})});
  check_fails({"QuantizeLinear", 21, {{"output_dtype", kInt4}}},
              {x, Tensor::scalar(1.0F), Tensor::scalar(std::int8_t{0})});
  check_fails({"DequantizeLinear", 13}, {x, Tensor::scalar(1.0F)});
  check_fails({"DequantizeLinear", 13},
              {tensor<std::int8_t>({1}, {1}), Tensor::scalar(1.0F), Tensor::scalar(std::uint8_t{0})});
}

TEST_CASE("DynamicQuantizeLinear", "[ops]") {
  OpCase op{"DynamicQuantizeLinear", 11};
  op.num_outputs = 3;
  const auto outputs = run_op(op, {tensor<float>({6}, {0, 2, -3, -2.5F, 1.34F, 0.5F})});
  CHECK(values<std::uint8_t>(outputs[0]) == std::vector<std::uint8_t>{153, 255, 0, 26, 221, 179});
  CHECK(outputs[1].span<float>()[0] == Approx(5.0 / 255));
  CHECK(outputs[2].span<std::uint8_t>()[0] == 153);
  const auto flat = run_op(op, {tensor<float>({2}, {0, 0})});
  CHECK(values<std::uint8_t>(flat[0]) == std::vector<std::uint8_t>{0, 0});
}
