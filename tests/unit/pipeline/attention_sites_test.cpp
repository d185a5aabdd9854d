#include <catch2/catch.hpp>

#include "attention_fixture.hpp"
#include "pipeline/operand_source.hpp"

namespace nq {
namespace {

using test::attention_model;

SiteSearch search(const ModelFile& model) {
  const Tensor input = test::random_tensor({2, 5, 6}, "x");
  return find_linear_sites(test::PlannedModel(model, {input}).typed);
}

}  // namespace

TEST_CASE("attention is found whatever stands between its products", "[pipeline]") {
  struct Case {
    std::string between, pre;
    std::optional<float> factor;
  };
  const std::vector<std::string> constants = {
      "float half = {0.5}",
      "float two = {2}",
      test::initializer_text("bias", {2, 5, 5}),
      "bool[5,5] allowed = {1,0,1,1,1, 1,1,1,1,1, 1,1,1,1,1, 1,1,1,1,1, 1,1,1,1,0}",
      "float lowest = {-1e9}",
      "float[2,1,1] temperature = {1.5, 2.5}",
      "int64[5] split_windows = {0, 1, 2, 5, 5}",
      "int64[4] joined_windows = {-1, 2, 5, 5}",
      test::initializer_text("mask", {1, 1, 5, 5})};
  const std::vector<Case> cases = {
      {"logits = Mul(scores, half)", "queries = Identity(q)", 0.5F},
      {"logits = Mul(half, scores)", "queries = Identity(q)", 0.5F},
      {"logits = Div(scores, two)", "queries = Identity(q)", 0.5F},
      {"logits = Identity(scores)", "queries = Mul(q, half)", 1.0F},
      {"logits = Add(scores, bias)", "queries = Identity(q)", 1.0F},
      {"scaled = Mul(scores, half) logits = Add(bias, scaled)", "queries = Identity(q)", 0.5F},
      {"biased = Add(scores, bias) apart = Reshape(biased, split_windows) masked = Add(apart, mask) logits = "
       "Reshape(masked, joined_windows)",
       "queries = Mul(q, half)", 1.0F},
      {"logits = Mul(scores, temperature)", "queries = Identity(q)", std::nullopt},
      {"scaled = Mul(scores, half) logits = Where(allowed, scaled, lowest)", "queries = Identity(q)",
       std::nullopt},
  };
  for (const Case& c : cases) {
    INFO(c.between);
    const SiteSearch found = search(attention_model(c.between, c.pre, constants));
    REQUIRE(found.attention.size() == 1);
    CHECK(found.attention[0].scores.origin == "scores");
    CHECK(found.attention[0].values.origin == "mixed");
    CHECK(found.attention[0].factor == c.factor);
    CHECK(found.attention[0].scores.macs == 2 * 2 * 5 * 5 * 4);
    CHECK(found.sites.size() == 2);
    CHECK(found.rejected.empty());
  }
}

TEST_CASE("other products of activations are not attention", "[pipeline]") {
  const SiteSearch no_softmax = search(ModelFile::from_text(
      test::model_text("g (float[2,5,6] x) => (float[2,5,6] y)", {},
                       "{ t = Transpose<perm = [0,2,1]>(x) s = MatMul(x, t) y = MatMul(s, x) }")));
  CHECK(no_softmax.attention.empty());
  CHECK(no_softmax.rejected.size() == 2);
  const SiteSearch over_queries = search(ModelFile::from_text(test::model_text(
      "g (float[2,5,6] x) => (float[2,5,6] y)", {},
      "{ t = Transpose<perm = [0,2,1]>(x) s = MatMul(x, t) w = Softmax<axis = 1>(s) y = MatMul(w, x) }")));
  CHECK(over_queries.attention.empty());
}

TEST_CASE("operands are traced to the columns that make them", "[pipeline]") {
  const Tensor input = test::random_tensor({2, 5, 6}, "x");
  const test::PlannedModel planned(
      attention_model("logits = Identity(scores)", "queries = Mul(q, half)", {"float half = {0.5}"}),
      {input});
  const SiteSearch found = find_linear_sites(planned.typed);
  const OperandTracer tracer(planned.typed, found);
  const auto first_column = [&](ValueId operand, bool transposed, std::int32_t first, float factor) {
    const auto source = tracer.trace(operand, transposed);
    REQUIRE(source);
    CHECK(source->site_origin == "product");
    CHECK(source->factor == factor);
    REQUIRE(source->channel.size() == 8);
    for (std::int32_t c = 0; c < 8; ++c) CHECK(source->channel[static_cast<std::size_t>(c)] == first + c);
  };
  first_column(found.attention[0].scores.left, false, 0, 0.5F);
  first_column(found.attention[0].scores.right, true, 8, 1.0F);
  first_column(found.attention[0].values.right, false, 16, 1.0F);
  CHECK_FALSE(tracer.trace(found.attention[0].values.left, false));
}

TEST_CASE("a layer that something else reads is no free source", "[pipeline]") {
  const Tensor input = test::random_tensor({2, 5, 6}, "x");
  const test::PlannedModel planned(
      attention_model("mean = ReduceMean<axes = [3], keepdims = 1>(q) logits = Add(scores, mean)"), {input});
  const SiteSearch found = find_linear_sites(planned.typed);
  REQUIRE(found.attention.size() == 1);
  CHECK_FALSE(OperandTracer(planned.typed, found).trace(found.attention[0].scores.left, false));
}

}  // namespace nq
