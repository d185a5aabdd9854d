#include "pipeline/site_bits.hpp"

#include <regex>

#include "core/check.hpp"

namespace nq {
namespace {

const std::regex kRuleForm("(.+)=(?:w([2-8]))?(?:a([2-8]))?", std::regex::ECMAScript | std::regex::icase);

BitsRule parse_rule(const std::string& text) {
  std::smatch match;
  const bool formed = std::regex_match(text, match, kRuleForm) && (match[2].matched || match[3].matched);
  if (!formed) {
    throw Error(ErrorKind::usage, fmt::format("--bits: '{}' is not of the form PATTERN=w<2..8>a<2..8>", text),
                "for example --bits 'fc2=w8a8,proj=w6a6'");
  }
  BitsRule rule;
  rule.pattern = match[1].str();
  if (match[2].matched) rule.weight_bits = match[2].str()[0] - '0';
  if (match[3].matched) rule.activation_bits = match[3].str()[0] - '0';
  return rule;
}

/// One rule ready to match, and whether it ever did.
struct Matcher {
  const BitsRule* rule;
  std::regex regex;
  bool used = false;

  bool is_kind() const { return rule->pattern.front() == '@'; }
  bool is_kind(std::string_view kind) const { return std::string_view(rule->pattern).substr(1) == kind; }

  bool matches(const LinearSite& site) const {
    return is_kind() ? is_kind(to_string(site.role)) || is_kind(site.input_from) : std::regex_search(site.name, regex);
  }
  bool matches(const ProductSite& site) const {
    return is_kind() ? is_kind("products") || is_kind(to_string(site.role)) : std::regex_search(site.name, regex);
  }
};

Matcher make_matcher(const BitsRule& rule) {
  NQ_CHECK(!rule.pattern.empty(), usage, "--bits: a rule has no pattern");
  if (rule.pattern.front() == '@') return {&rule, {}};
  try {
    return {&rule, std::regex(rule.pattern, std::regex::ECMAScript | std::regex::optimize)};
  } catch (const std::regex_error& error) {
    fail(ErrorKind::usage, "--bits: '{}' is not a valid regular expression: {}", rule.pattern, error.what());
  }
}

/// Defaults with the bits of the first rule that matches a layer or product.
template <typename Site>
MethodOptions site_options(const Site& site, std::vector<Matcher>& matchers, const MethodOptions& defaults) {
  MethodOptions options = defaults;
  bool decided = false;
  for (Matcher& matcher : matchers) {
    if (!matcher.matches(site)) continue;
    matcher.used = true;
    if (decided) continue;
    decided = true;
    options.weight_bits = matcher.rule->weight_bits.value_or(defaults.weight_bits);
    options.activation_bits = matcher.rule->activation_bits.value_or(defaults.activation_bits);
  }
  return options;
}

}  // namespace

std::vector<BitsRule> parse_bits_rules(const std::string& text) {
  constexpr std::size_t kMaxLength = 4000;
  NQ_CHECK(text.size() <= kMaxLength, usage, "--bits is longer than {} characters", kMaxLength);
  std::vector<BitsRule> rules;
  for (std::size_t first = 0; first <= text.size();) {
    const std::size_t end = std::min(text.find(',', first), text.size());
    rules.push_back(parse_rule(text.substr(first, end - first)));
    first = end + 1;
  }
  return rules;
}

std::string bits_rules_text(const std::vector<BitsRule>& rules) {
  std::string text;
  for (const BitsRule& rule : rules) {
    text += (text.empty() ? "" : ",") + rule.pattern + "=";
    if (rule.weight_bits) text += fmt::format("w{}", *rule.weight_bits);
    if (rule.activation_bits) text += fmt::format("a{}", *rule.activation_bits);
  }
  return text;
}

std::vector<MethodOptions> apply_bits(const std::vector<SiteGroup>& groups, std::vector<SelectedAttention>& attention,
                                      const CalibrationOptions& options) {
  std::vector<Matcher> matchers;
  for (const BitsRule& rule : options.bits) matchers.push_back(make_matcher(rule));
  std::vector<MethodOptions> all;
  for (const SiteGroup& group : groups) {
    const MethodOptions leader = site_options(group.leader(), matchers, options.fit);
    for (const LinearSite& site : group.sites) {
      const MethodOptions own = site_options(site, matchers, options.fit);
      NQ_CHECK(own.weight_bits == leader.weight_bits && own.activation_bits == leader.activation_bits, usage,
               "--bits gives '{}' and '{}' different bits, but they read the same value and share a quantizer",
               group.leader().name, site.name);
    }
    all.push_back(leader);
  }
  for (SelectedAttention& item : attention) {
    const auto bits_of = [&](const ProductSite& site, bool selected) {
      return selected ? site_options(site, matchers, options.fit).activation_bits : options.fit.activation_bits;
    };
    item.bits = {bits_of(item.site.scores, item.scores), bits_of(item.site.values, item.values)};
  }
  for (const Matcher& matcher : matchers) {
    NQ_CHECK(matcher.used, usage, "--bits: no quantized layer or product is left for '{}'", matcher.rule->pattern);
  }
  return all;
}

}  // namespace nq
