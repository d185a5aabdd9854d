#include "pipeline/site_groups.hpp"

#include <algorithm>
#include <numeric>
#include <regex>

#include "core/check.hpp"

namespace nq {
namespace {

constexpr std::size_t kMaxPatternLength = 1000;

std::optional<std::regex> compile(const std::string& pattern, const char* flag) {
  if (pattern.empty()) return std::nullopt;
  NQ_CHECK(pattern.size() <= kMaxPatternLength, usage, "{} is longer than {} characters", flag, kMaxPatternLength);
  try {
    return std::regex(pattern, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    fail(ErrorKind::usage, "{} '{}' is not a valid regular expression: {}", flag, pattern, error.what());
  }
}

bool same_layout(const LinearSite& a, const LinearSite& b) {
  const bool patches = a.kind == SiteKind::conv_patch || b.kind == SiteKind::conv_patch;
  return a.x == b.x && a.c_in == b.c_in && a.x_transposed == b.x_transposed && !patches;
}

}  // namespace

std::int64_t SiteGroup::c_out() const {
  return std::accumulate(sites.begin(), sites.end(), std::int64_t{0},
                         [](std::int64_t sum, const LinearSite& site) { return sum + site.c_out; });
}

std::vector<SiteGroup> group_sites(const std::vector<LinearSite>& sites) {
  std::vector<SiteGroup> groups;
  for (const LinearSite& site : sites) {
    const auto it = std::find_if(groups.begin(), groups.end(),
                                 [&](const SiteGroup& group) { return same_layout(group.leader(), site); });
    if (it == groups.end()) groups.push_back({site.x, {site}});
    else it->sites.push_back(site);
  }
  return groups;
}

std::vector<std::size_t> search_order(const std::vector<SiteGroup>& groups) {
  std::vector<std::size_t> order(groups.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return groups[a].c_in() < groups[b].c_in(); });
  return order;
}

std::vector<LinearSite> select_sites(const SiteSearch& found, const SiteSelection& selection,
                                     std::vector<SkippedSite>& skipped) {
  const auto include = compile(selection.include, "--include");
  const auto exclude = compile(selection.exclude, "--exclude");
  std::vector<LinearSite> selected;
  for (const LinearSite& site : found.sites) {
    std::string reason;
    if (include && !std::regex_search(site.name, *include)) reason = "not matched by --include";
    // An explicit --include asks for the layer by name, whatever its role.
    if (!include && site.role == SiteRole::patch_embed && !selection.patch_embed) reason = "patch embedding (--patch-embed)";
    if (!include && site.role == SiteRole::head && !selection.head) reason = "classifier head (--head)";
    if (!include && site.role == SiteRole::block && site.kind == SiteKind::conv_patch && !selection.patch_embed) {
      reason = "patch convolution (--patch-embed)";
    }
    if (exclude && std::regex_search(site.name, *exclude)) reason = "matched by --exclude";
    if (reason.empty()) selected.push_back(site);
    else skipped.push_back({site.name, reason});
  }
  for (const RejectedProduct& product : found.rejected) skipped.push_back({product.name, product.reason});
  return selected;
}

std::vector<SelectedAttention> select_attention(const SiteSearch& found, const SiteSelection& selection,
                                                std::vector<SkippedSite>& skipped) {
  const auto include = compile(selection.include, "--include");
  const auto exclude = compile(selection.exclude, "--exclude");
  const auto selects = [&](const ProductSite& site) {
    std::string reason;
    if (!selection.products) reason = "attention product (--quantize all)";
    else if (include && !std::regex_search(site.name, *include)) reason = "not matched by --include";
    else if (exclude && std::regex_search(site.name, *exclude)) reason = "matched by --exclude";
    if (!reason.empty()) skipped.push_back({site.name, reason});
    return reason.empty();
  };
  std::vector<SelectedAttention> selected;
  for (const AttentionSite& site : found.attention) {
    SelectedAttention attention{site, selects(site.scores), selects(site.values)};
    if (attention.scores || attention.values) selected.push_back(std::move(attention));
  }
  return selected;
}

}  // namespace nq
