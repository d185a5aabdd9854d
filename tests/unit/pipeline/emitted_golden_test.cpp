#include <catch2/catch.hpp>

#include "emit_fixture.hpp"
#include "nq/version.hpp"
#include "support/golden.hpp"

namespace nq {
namespace {

using test::initializer_text;

/// One block of a ViT's MLP: LayerNormalization, fc1, Gelu, fc2, residual.
ModelFile specimen() {
  return ModelFile::from_text(
      test::model_text("block (float[batch,3,4] x) => (float[batch,3,4] y)",
                       {initializer_text("norm_scale", {4}), initializer_text("norm_bias", {4}),
                        initializer_text("fc1_weight", {4, 6}), initializer_text("fc1_bias", {6}),
                        initializer_text("fc2_weight", {6, 4}), initializer_text("fc2_bias", {4}),
                        "float root_two = {1.41421354}", "float one = {1}", "float half = {0.5}"},
                       "{ norm = LayerNormalization(x, norm_scale, norm_bias) fc1 = MatMul(norm, fc1_weight) "
                       "fc1_out = Add(fc1_bias, fc1) "
                       "scaled = Div(fc1_out, root_two) erf = Erf(scaled) shifted = Add(erf, one) gated = "
                       "Mul(fc1_out, shifted) "
                       "gelu = Mul(gated, half) fc2 = MatMul(gelu, fc2_weight) fc2_out = Add(fc2_bias, fc2) "
                       "y = Add(x, fc2_out) }"));
}

/// The digits of a scale follow the last bits of exp and erf; the graph is what the golden file fixes.
std::string emitted_text(const test::RecipeParts& parts, const EmitOptions& options) {
  const ModelFile model = specimen();
  const Tensor input = test::random_tensor({2, 3, 4}, "x");
  const ModelFile emitted =
      quantize(model, test::made_up_recipe(test::PlannedModel(model, {input}), {input}, parts), options);
  CHECK_NOTHROW(emitted.check());
  return emitted.to_text();
}

}  // namespace

TEST_CASE("the emitted graphs are those of the golden files", "[pipeline][golden]") {
  test::check_golden("emitted/w8a8.txt", emitted_text({}, {}));
  const test::RecipeParts noisy{.activation_bits = 6, .weight_bits = 6, .symmetric = true, .noise = true};
  test::check_golden("emitted/w6a6_folded.txt", emitted_text(noisy, {}));
  test::check_golden("emitted/w6a6_explicit.txt", emitted_text(noisy, {.fold_noise = false}));
  test::check_golden("emitted/w4a8_int4.txt", emitted_text({.weight_bits = 4}, {.int4_weights = true}));
}

}  // namespace nq
