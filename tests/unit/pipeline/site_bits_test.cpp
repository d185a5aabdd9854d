#include <catch2/catch.hpp>

#include "pipeline/site_bits.hpp"
#include "support/errors.hpp"

namespace nq {
namespace {

LinearSite site(const std::string& name, SiteRole role, const std::string& from) {
  LinearSite made;
  made.name = name;
  made.role = role;
  made.input_from = from;
  return made;
}

const std::vector<SiteGroup> kGroups = {
    {ValueId{0}, {site("/b0/q", SiteRole::block, "LayerNormalization"), site("/b0/k", SiteRole::block, "LayerNormalization")}},
    {ValueId{1}, {site("/b0/fc2", SiteRole::block, "Gelu")}},
    {ValueId{2}, {site("/head", SiteRole::head, "Gather")}}};

std::vector<MethodOptions> with_rules(const std::string& text) {
  CalibrationOptions options;
  options.fit.weight_bits = 6;
  options.fit.activation_bits = 5;
  options.bits = parse_bits_rules(text);
  std::vector<SelectedAttention> none;
  return apply_bits(kGroups, none, options);
}

SelectedAttention attention(bool scores) {
  SelectedAttention item;
  item.site.scores.name = "/b0/attn/MatMul";
  item.site.scores.role = ProductRole::scores;
  item.site.values.name = "/b0/attn/MatMul_1";
  item.site.values.role = ProductRole::values;
  item.scores = scores;
  item.values = true;
  return item;
}

AttentionBits product_bits(const std::string& text, bool scores = true) {
  CalibrationOptions options;
  options.fit.activation_bits = 5;
  options.bits = parse_bits_rules(text);
  std::vector<SelectedAttention> selected = {attention(scores)};
  (void)apply_bits(kGroups, selected, options);
  return selected[0].bits;
}

}  // namespace

TEST_CASE("the first matching rule gives a layer its bits, the rest keep theirs", "[pipeline]") {
  const auto options = with_rules("fc2=w8a7,@head=a8,fc=w2");
  CHECK(options[0].weight_bits == 6);
  CHECK(options[0].activation_bits == 5);
  CHECK(options[1].weight_bits == 8);
  CHECK(options[1].activation_bits == 7);
  CHECK(options[2].weight_bits == 6);
  CHECK(options[2].activation_bits == 8);
  CHECK(with_rules("@LayerNormalization=W4A3")[0].weight_bits == 4);
  CHECK(bits_rules_text(parse_bits_rules("fc2=w8a7,@head=a8")) == "fc2=w8a7,@head=a8");
}

TEST_CASE("rules reach the products of attention by kind and by name", "[pipeline]") {
  CHECK(product_bits("fc2=w8").scores == 5);
  CHECK(product_bits("@products=a8").scores == 8);
  CHECK(product_bits("@products=a8").values == 8);
  CHECK(product_bits("@scores=a7").scores == 7);
  CHECK(product_bits("@scores=a7").values == 5);
  CHECK(product_bits("@values=a3,@products=a6").values == 3);
  CHECK(product_bits("@values=a3,@products=a6").scores == 6);
  CHECK(product_bits("MatMul_1=w4a4").values == 4);
  CHECK(product_bits("MatMul_1=w4a4").scores == 5);
  // A product that stays float is none that a rule could be for.
  CHECK_ERROR(product_bits("@scores=a7", false), usage, "no quantized layer or product");
}

TEST_CASE("rules that are malformed, idle or divide a group are refused", "[pipeline]") {
  for (const char* text : {"", "fc2", "fc2=", "fc2=w9", "=w8", "fc2=w4,,q=w4", "fc2=x"}) {
    INFO(text);
    CHECK_ERROR(parse_bits_rules(text), usage, "--bits");
  }
  CHECK_ERROR(with_rules("nothing=w4"), usage, "no quantized layer");
  CHECK_ERROR(with_rules("(=w4"), usage, "regular expression");
  CHECK_ERROR(with_rules("/q=w4"), usage, "share a quantizer");
}

}  // namespace nq
