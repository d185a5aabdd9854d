#include <catch2/catch.hpp>

#include "exec/plan_impl.hpp"
#include "nq/executor.hpp"
#include "support/models.hpp"

// Attention over 6 windows of 5 tokens, 2 heads of 3: q, k and v are [6, 2, 5, 3].

namespace nq {
namespace {

using test::floats;

/// softmax(steps(Q K^T)) V, where `steps` turns `scores` into `logits`.
TypedGraph attention_graph(const std::vector<std::string>& constants, const std::string& steps) {
  return test::typed_of("g (float[6,2,5,3] q, float[6,2,5,3] k, float[6,2,5,3] v) => (float[6,2,5,3] y)", constants,
                        "{ turned = Transpose<perm = [0, 1, 3, 2]>(k) scores = MatMul(q, turned) " + steps + " weights = Softmax<axis = -1>(logits) y = MatMul(weights, v) }");
}

std::size_t count_steps(const Plan& plan, const std::string& op_type) {
  std::size_t count = 0;
  for (const Step& step : plan.impl().steps) count += plan.impl().graph.graph.node(step.node).op_type == op_type ? 1U : 0U;
  return count;
}

/// Runs fused and node by node.
void check_same(const TypedGraph& typed) {
  PlanOptions by_node;
  by_node.kernels = KernelChoice::reference;
  const Shape shape{6, 2, 5, 3};
  const std::vector<Tensor> inputs{test::random_tensor(shape, "q"), test::random_tensor(shape, "k"), test::random_tensor(shape, "v")};
  const auto fused = floats(Executor(make_plan(typed)).run(inputs).front());
  const auto expected = floats(Executor(make_plan(typed, by_node)).run(inputs).front());
  REQUIRE(fused.size() == expected.size());
  for (std::size_t i = 0; i < fused.size(); ++i) CHECK(fused[i] == Approx(expected[i]).margin(1e-6));
}

const std::string kApart = "int64[5] apart = {2, 3, 2, 5, 5}";
const std::string kJoined = "int64[4] joined = {6, 2, 5, 5}";

}  // namespace

TEST_CASE("a mask added between reshapes of the batch is part of the fused attention", "[exec]") {
  const auto shape = GENERATE(values<std::vector<std::int64_t>>(
      {{3, 1, 5, 5}, {1, 3, 1, 5, 5}, {3, 2, 5, 5}, {2, 3, 1, 5, 5}, {5}, {1, 1, 2, 1, 5}}));
  const TypedGraph typed = attention_graph(
      {kApart, kJoined, test::initializer_text("mask", Shape(shape)), test::initializer_text("bias", {2, 5, 5})},
      "biased = Add(scores, bias) cut = Reshape(biased, apart) masked = Add(cut, mask) logits = Reshape(masked, joined)");
  CHECK(count_steps(make_plan(typed), "FusedAttention") == 1);
  check_same(typed);
}

TEST_CASE("a mask that differs over outer batch axes alone stays a node", "[exec]") {
  const TypedGraph typed = attention_graph({kApart, kJoined, test::initializer_text("mask", {2, 1, 1, 5, 5})},
                                           "cut = Reshape(scores, apart) masked = Add(cut, mask) logits = Reshape(masked, joined)");
  CHECK(count_steps(make_plan(typed), "FusedAttention") == 0);
  check_same(typed);
}

TEST_CASE("a Reshape that moves rows to heads stays a node", "[exec]") {
  const TypedGraph typed = attention_graph({"int64[4] mixed = {6, 5, 2, 5}", kJoined, test::initializer_text("mask", {5, 1, 5})},
                                           "cut = Reshape(scores, mixed) masked = Add(cut, mask) logits = Reshape(masked, joined)");
  CHECK(count_steps(make_plan(typed), "FusedAttention") == 0);
  check_same(typed);
}

}  // namespace nq
