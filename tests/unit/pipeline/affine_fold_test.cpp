#include "pipeline/affine_fold.hpp"

#include <catch2/catch.hpp>

#include "emit_fixture.hpp"
#include "support/shared_data.hpp"

namespace nq {
namespace {

using test::initializer_text;

const std::vector<std::string> kConstants = {
    initializer_text("s", {8}),           initializer_text("t", {8}),           initializer_text("w", {8, 6}),
    initializer_text("w2", {8, 4}),       initializer_text("t3", {1, 1, 1, 8}), "int64[3] flat = {1, 10, 8}",
    "int64[6] pads = {0, 0, 0, 0, 1, 0}", initializer_text("k", {5, 8})};

/// The fold of the last group of a graph over x[2,5,8].
std::optional<AffineFold> fold_of(const std::string& body, const std::string& outputs = "float[2,5,6] y") {
  const ModelFile file =
      ModelFile::from_text(test::model_text("g (float[2,5,8] x) => (" + outputs + ")", kConstants, body));
  const test::PlannedModel planned(file, {test::random_tensor({2, 5, 8}, "x")});
  return find_affine_fold(planned.typed, planned.groups.back());
}

}  // namespace

TEST_CASE("scale and shift of a LayerNormalization can be folded into", "[pipeline]") {
  const auto fold = fold_of("{ n = LayerNormalization(x, s, t) y = MatMul(n, w) }");
  REQUIRE(fold.has_value());
  CHECK(fold->shift_origin == "n");
  CHECK(fold->shift_input == 2);
  CHECK(fold->scale_input == 1);
  CHECK(fold->shift.size() == 8);
  const auto without = fold_of("{ n = LayerNormalization(x, s) y = MatMul(n, w) }");
  REQUIRE(without.has_value());
  CHECK(without->shift == std::vector<float>(8, 0.0F));
}

TEST_CASE("Mul and Add that play the part of a normalization are found", "[pipeline]") {
  const auto fold = fold_of("{ c = Tanh(x) a = Mul(s, c) n = Add(a, t) y = MatMul(n, w) }");
  REQUIRE(fold.has_value());
  CHECK(fold->shift_origin == "n");
  CHECK(fold->shift_input == 1);
  CHECK(fold->scale_origin == "a");
  CHECK(fold->scale_input == 0);
  const auto shift_only = fold_of("{ c = Tanh(x) n = Add(t, c) y = MatMul(n, w) }");
  REQUIRE(shift_only.has_value());
  CHECK(shift_only->shift_input == 0);
  CHECK(shift_only->scale_origin.empty());
}

TEST_CASE("the fold looks through operators that move whole rows", "[pipeline]") {
  CHECK(
      fold_of("{ n = LayerNormalization(x, s, t) r = Reshape(n, flat) y = MatMul(r, w) }", "float[1,10,6] y")
          .has_value());
  CHECK(fold_of("{ n = LayerNormalization(x, s, t) r = Transpose<perm = [1,0,2]>(n) y = MatMul(r, w) }",
                "float[5,2,6] y")
            .has_value());
  CHECK_FALSE(
      fold_of("{ n = LayerNormalization(x, s, t) r = Pad(n, pads) y = MatMul(r, w) }", "float[2,6,6] y")
          .has_value());
}

TEST_CASE("nothing is folded where another reader would see it", "[pipeline]") {
  CHECK_FALSE(fold_of("{ n = LayerNormalization(x, s, t) p = MatMul(n, w) q = Tanh(n) y = MatMul(n, w2) }",
                      "float[2,5,6] p, float[2,5,8] q, float[2,5,4] y")
                  .has_value());
  CHECK_FALSE(
      fold_of("{ n = LayerNormalization(x, s, t) y = MatMul(n, w) }", "float[2,5,6] y, float[2,5,8] n")
          .has_value());
  // All readers are sites of the group.
  CHECK(fold_of("{ n = LayerNormalization(x, s, t) p = MatMul(n, w) y = MatMul(n, w2) }",
                "float[2,5,6] p, float[2,5,4] y")
            .has_value());
  const auto shared_mul = fold_of("{ c = Tanh(x) a = Mul(c, s) n = Add(a, t) z = Exp(a) y = MatMul(n, w) }",
                                  "float[2,5,6] y, float[2,5,8] z");
  REQUIRE(shared_mul.has_value());
  CHECK(shared_mul->scale_origin.empty());
}

TEST_CASE("other producers are not affine", "[pipeline]") {
  CHECK_FALSE(fold_of("{ n = Tanh(x) y = MatMul(n, w) }").has_value());
  CHECK_FALSE(fold_of("{ n = Add(x, x) y = MatMul(n, w) }").has_value());
  CHECK_FALSE(fold_of("{ y = MatMul(x, w) }").has_value());
  CHECK_FALSE(fold_of("{ n = LayerNormalization<axis = 1>(x, k, k) y = MatMul(n, w) }").has_value());
  // The constant raises the rank; a new one of rank 1 would not.
  CHECK_FALSE(fold_of("{ n = Add(x, t3) y = MatMul(n, w) }", "float[1,2,5,6] y").has_value());
}

TEST_CASE("every block group behind a normalization of the shared ViTs can fold", "[pipeline]") {
  for (const char* name : {"vit_opset17", "vit_opset13", "vit_opset11"}) {
    const auto folder = test::shared_data(std::string("data/graphs/") + name);
    if (!folder) return;
    INFO(name);
    const test::PlannedModel planned(ModelFile::load(*folder / "model.onnx"),
                                     {Tensor(TensorType{DType::f32, {1, 3, 32, 32}})});
    int folds = 0;
    for (const SiteGroup& group : planned.groups) {
      const auto fold = find_affine_fold(planned.typed, group);
      const bool behind_norm =
          group.leader().input_from == "LayerNormalization" && group.leader().role == SiteRole::block;
      CHECK(fold.has_value() == behind_norm);
      if (fold) CHECK_FALSE(fold->scale_origin.empty());
      folds += fold.has_value();
    }
    CHECK(folds == 4);
  }
}

}  // namespace nq
