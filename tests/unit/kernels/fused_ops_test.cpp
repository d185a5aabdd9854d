#include "../ops/op_runner.hpp"
#include "fixture.hpp"

using namespace nq;
using namespace nq::test;

namespace {

Tensor normal_tensor(std::string_view name, const Shape& shape) {
  return Tensor::of(shape, normal_floats(name, shape.elements()));
}

Tensor run_one(const OpCase& op, std::vector<Tensor> inputs) {
  return OpRunner(op, std::move(inputs)).run().front();
}

std::vector<std::uint32_t> bits_of(const Tensor& tensor) {
  return bits({tensor.span<float>().begin(), tensor.span<float>().end()});
}

OpCase internal_op(std::string type, Attributes attributes) {
  OpCase op{std::move(type), 1, std::move(attributes)};
  op.domain = "nq";
  return op;
}

}  // namespace

TEST_CASE("FusedMatMul equals MatMul, Add, Gelu and Add one after the other", "[kernels]") {
  const Tensor a = normal_tensor("a", {2, 5, 40});
  const Tensor b = normal_tensor("b", {40, 33});
  const Tensor bias = normal_tensor("bias", {33});
  const Tensor residual = normal_tensor("residual", {2, 5, 33});
  const Tensor product = run_one({"MatMul"}, {a, b});
  const Tensor shifted = run_one({"Add"}, {product, bias});
  const Tensor curved = run_one({"Gelu", 20}, {shifted});
  const Tensor expected = run_one({"Add"}, {curved, residual});
  const auto fused = internal_op("FusedMatMul", {{"activation", std::string("gelu_erf")}});
  CHECK(bits_of(run_one(fused, {a, b, bias, residual})) == bits_of(expected));
  const Tensor b_transposed = run_one({"Transpose", 17, {{"perm", std::vector<std::int64_t>{1, 0}}}}, {b});
  const auto turned =
      internal_op("FusedMatMul", {{"activation", std::string("gelu_erf")}, {"trans_b", std::int64_t{1}}});
  CHECK(bits_of(run_one(turned, {a, b_transposed, bias, residual})) == bits_of(expected));
}

TEST_CASE("FusedAttention reads packed heads in place and equals the plain nodes", "[kernels]") {
  // qkv [B, T, 3, H, D] -> q, k, v [B, H, T, D] -> softmax(q k^T * scale + addend) v -> [B, T, H * D].
  const std::int64_t batch = 2, rows = 21, heads = 3, dim = 8;
  const Tensor qkv = normal_tensor("qkv", {batch, rows, 3, heads, dim});
  const Tensor addend = normal_tensor("addend", {1, heads, rows, rows});
  const Tensor turned =
      run_one({"Transpose", 17, {{"perm", std::vector<std::int64_t>{2, 0, 3, 1, 4}}}}, {qkv});
  const auto part = [&](std::int64_t index) {
    return run_one({"Gather", 17, {{"axis", std::int64_t{0}}}}, {turned, Tensor::scalar(index)});
  };
  const Tensor keys =
      run_one({"Transpose", 17, {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}}}, {part(1)});
  const Tensor scores = run_one({"Mul"}, {run_one({"MatMul"}, {part(0), keys}), Tensor::scalar(0.25F)});
  const Tensor weights = run_one({"Softmax"}, {run_one({"Add"}, {scores, addend})});
  const Tensor mixed = run_one({"Transpose", 17, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}}},
                               {run_one({"MatMul"}, {weights, part(2)})});

  using Ints = std::vector<std::int64_t>;
  const std::int64_t row = 3 * heads * dim;
  Attributes attributes{{"dims", Ints{batch, heads, heads, rows, rows, dim, dim}},
                        {"q_layout", Ints{0, rows * row, dim, row}},
                        {"k_layout", Ints{heads * dim, rows * row, dim, row}},
                        {"v_layout", Ints{2 * heads * dim, rows * row, dim, row}},
                        {"out_shape", Ints{batch, rows, heads * dim}},
                        {"out_layout", Ints{rows * heads * dim, dim, heads * dim}},
                        {"addend0_layout", Ints{1, 0, rows * rows, rows, 1}},
                        {"scale", 0.25F}};
  const Tensor fused = run_one(internal_op("FusedAttention", attributes), {qkv, qkv, qkv, addend});
  CHECK(bits_of(fused) == bits_of(mixed));

  attributes["v_layout"] = Ints{3 * heads * dim, rows * row, dim, row};
  CHECK_THROWS_AS(run_one(internal_op("FusedAttention", attributes), {qkv, qkv, qkv, addend}), Error);
}

TEST_CASE("PatchEmbed equals Conv, Reshape and Transpose", "[kernels]") {
  const Tensor x = normal_tensor("x", {2, 3, 33, 24});
  const Tensor w = normal_tensor("w", {10, 3, 8, 8});
  const Tensor bias = normal_tensor("bias", {10});
  using Ints = std::vector<std::int64_t>;
  const Attributes attributes{{"strides", Ints{8, 8}}};
  OpCase conv{"Conv", 17, attributes};
  const Tensor packed = run_one(conv, {x, w, bias});
  conv.constant_inputs = false;
  CHECK(bits_of(run_one(conv, {x, w, bias})) == bits_of(packed));
  const Tensor tokens =
      run_one({"Transpose", 17, {{"perm", Ints{0, 2, 1}}}}, {packed.reshaped(Shape{2, 10, 12})});
  CHECK(bits_of(run_one(internal_op("PatchEmbed", attributes), {x, w, bias})) == bits_of(tokens));
}

TEST_CASE("QuantizedMatMul means what the QDQ nodes around a MatMul mean", "[kernels]") {
  const std::int64_t depth = 96, cols = 40;
  const Tensor x = normal_tensor("x", {3, 7, depth});
  std::vector<std::int8_t> values;
  for (const float value : normal_floats("w", depth * cols)) {
    values.push_back(static_cast<std::int8_t>(std::max(-127.0F, std::min(127.0F, value * 40.0F))));
  }
  const Tensor w = Tensor::of(Shape{depth, cols}, values);
  std::vector<float> scale_values;
  for (std::int64_t col = 0; col < cols; ++col) scale_values.push_back(0.001F * static_cast<float>(col + 1));
  const Tensor w_scale = Tensor::of(Shape{cols}, scale_values);
  const Tensor bias = normal_tensor("bias", {cols});
  const Tensor x_scale = Tensor::scalar(0.03F);
  const Tensor x_zero = Tensor::scalar(std::int8_t{-7});

  const Tensor q = run_one({"QuantizeLinear", 13}, {x, x_scale, x_zero});
  const Tensor x_grid = run_one({"DequantizeLinear", 13}, {q, x_scale, x_zero});
  const Tensor w_grid = run_one({"DequantizeLinear", 13, {{"axis", std::int64_t{1}}}},
                                {w, w_scale, Tensor::of(Shape{cols}, std::vector<std::int8_t>(cols, 0))});
  const Tensor expected = run_one({"Add"}, {run_one({"MatMul"}, {x_grid, w_grid}), bias});

  Attributes attributes{{"x_scale", 0.03F},
                        {"x_zero", std::int64_t{-7}},
                        {"qmin", std::int64_t{-128}},
                        {"qmax", std::int64_t{127}}};
  const Tensor fused = run_one(internal_op("QuantizedMatMul", attributes), {x, w, w_scale, bias});
  // Both round: the float chain of 96 terms below 4 * 0.04 * 127, the integer one three times.
  for (std::int64_t i = 0; i < fused.elements(); ++i) {
    CHECK(fused.span<float>()[i] == Approx(expected.span<float>()[i]).margin(2e-4));
  }
  const Tensor turned = run_one({"Transpose", 17, {{"perm", std::vector<std::int64_t>{1, 0}}}}, {w});
  attributes["trans_b"] = std::int64_t{1};
  CHECK(bits_of(run_one(internal_op("QuantizedMatMul", attributes), {x, turned, w_scale, bias})) ==
        bits_of(fused));
}
