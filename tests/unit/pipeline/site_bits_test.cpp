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
  return group_options(kGroups, options);
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
