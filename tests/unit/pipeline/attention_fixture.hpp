#pragma once

#include <string>
#include <vector>

#include "emit_fixture.hpp"

namespace nq::test {

inline constexpr std::int64_t kHeads = 2;
inline constexpr std::int64_t kHeadDim = 4;
inline constexpr std::int64_t kTokens = 5;

/// x [batch, 5, 6] -> packed projection [batch, 5, 24] -> two heads of width 4 -> output projection [batch,
/// 5, 6]. `between` computes "logits" from "scores"; `pre` is what Q goes through ("queries" from "q").
inline ModelFile attention_model(const std::string& between, const std::string& pre = "queries = Identity(q)",
                                 const std::vector<std::string>& more = {}) {
  std::vector<std::string> initializers = {initializer_text("qkv_weight", {6, 24}),
                                           initializer_text("qkv_bias", {24}, 3.0F),
                                           initializer_text("out_weight", {8, 6}),
                                           initializer_text("out_bias", {6}),
                                           "int64[5] split = {0, 5, 3, 2, 4}",
                                           "int64[3] joined = {0, 5, 8}",
                                           "int64[3] ones = {1, 1, 1}",
                                           "int64[1] first = {0}"};
  initializers.insert(initializers.end(), more.begin(), more.end());
  return ModelFile::from_text(model_text(
      "attention (float[batch,5,6] x) => (float[batch,5,6] y)", initializers,
      "{ product = MatMul(x, qkv_weight) qkv = Add(product, qkv_bias) parts = Reshape(qkv, split) "
      "moved = Transpose<perm = [2,0,3,1,4]>(parts) q0, k0, v0 = Split<axis = 0>(moved, ones) "
      "q = Squeeze(q0, first) k = Squeeze(k0, first) v = Squeeze(v0, first) " +
          pre + " keys = Transpose<perm = [0,1,3,2]>(k) scores = MatMul(queries, keys) " + between +
          " weights = Softmax<axis = -1>(logits) mixed = MatMul(weights, v) "
          "tokens = Transpose<perm = [0,2,1,3]>(mixed) rows = Reshape(tokens, joined) "
          "out = MatMul(rows, out_weight) y = Add(out, out_bias) }"));
}

inline ModelFile scaled_attention() {
  return attention_model("logits = Mul(scores, half)", "queries = Identity(q)", {"float half = {0.5}"});
}

inline ProductRecipe product_of(const ProductSite& site, const QuantParams& left, const QuantParams& right) {
  ProductRecipe recipe;
  recipe.name = site.name;
  recipe.origin = site.origin;
  recipe.role = site.role;
  recipe.left = left;
  recipe.right = right;
  return recipe;
}

}  // namespace nq::test
