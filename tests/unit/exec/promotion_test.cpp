#include <catch2/catch.hpp>

#include "core/float_formats.hpp"
#include "nq/executor.hpp"
#include "support/models.hpp"

namespace nq {
namespace {

using test::floats;

Tensor rounded(const std::vector<float>& values, const Shape& shape, DType dtype) {
  Tensor tensor(TensorType{dtype, shape});
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (dtype == DType::f16)
      tensor.mutable_span<Half>()[k] = to_half(values[k]);
    else
      tensor.mutable_span<BFloat16>()[k] = to_bfloat16(values[k]);
  }
  return tensor;
}

/// A body run in a reduced type: inputs rounded, each operator computed in float32 and rounded back.
std::vector<Tensor> run_reduced(const std::string& type, DType dtype, const std::string& body) {
  const Graph graph =
      ModelFile::from_text(
          test::model_text("g (" + type + "[3,5] x, " + type + "[5,4] w) => (" + type + "[3,4] y)", {}, body))
          .to_graph();
  return test::run(graph, {rounded(test::random_values(15, "x"), {3, 5}, dtype),
                           rounded(test::random_values(20, "w"), {5, 4}, dtype)});
}

}  // namespace

TEST_CASE("reduced floats are computed in float32 and rounded once per operator", "[exec]") {
  for (const auto& [type, dtype] : {std::pair{"float16", DType::f16}, std::pair{"bfloat16", DType::bf16}}) {
    INFO(type);
    const std::vector<Tensor> outputs = run_reduced(type, dtype, "{ y = MatMul(x, w) }");
    REQUIRE(outputs[0].dtype() == dtype);
    const auto x = floats(rounded(test::random_values(15, "x"), {3, 5}, dtype));
    const auto w = floats(rounded(test::random_values(20, "w"), {5, 4}, dtype));
    const Graph wide =
        ModelFile::from_text(
            test::model_text("g (float[3,5] x, float[5,4] w) => (float[3,4] y)", {}, "{ y = MatMul(x, w) }"))
            .to_graph();
    const auto exact = test::run(wide, {Tensor::of(Shape{3, 5}, x), Tensor::of(Shape{5, 4}, w)});
    CHECK(floats(outputs[0]) == floats(rounded(floats(exact[0]), {3, 4}, dtype)));
  }
}

TEST_CASE("chains and constants of reduced floats plan and run", "[exec]") {
  const Graph graph =
      ModelFile::from_text(
          test::model_text(
              "g (float16[3,4] x) => (float16[3,4] y, int64[3] i)", {},
              "{ k = Constant<value = float[4] {0.5, -1, 2, 0}>() h = Cast<to = 10>(k) a = Add(x, h) "
              "s = Softmax<axis = -1>(a) y = Mul(s, h) i = ArgMax<axis = -1, keepdims = 0>(a) }"))
          .to_graph();
  const auto x = test::random_values(12, "x");
  const auto outputs = test::run(graph, {rounded(x, {3, 4}, DType::f16)});
  CHECK(outputs[0].dtype() == DType::f16);
  CHECK(outputs[1].dtype() == DType::i64);
  for (const float value : floats(outputs[0])) CHECK(std::isfinite(value));
}

}  // namespace nq
