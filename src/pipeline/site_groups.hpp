#pragma once

#include <string>
#include <vector>

#include "nq/calibrate.hpp"
#include "nq/linear_site.hpp"
#include "nq/recipe.hpp"
#include "quant/attention_fit.hpp"

namespace nq {

/// Linear layers that read the same value, and therefore share one activation quantizer.
struct SiteGroup {
  ValueId x;
  std::vector<LinearSite> sites;  ///< at least one, in execution order

  const LinearSite& leader() const { return sites.front(); }
  std::int64_t c_in() const { return leader().c_in; }
  std::int64_t c_out() const;
};

/// Groups the sites by input value and input layout, in execution order of their first sites.
std::vector<SiteGroup> group_sites(const std::vector<LinearSite>& sites);

/// Indices of the groups in the order in which they are searched: narrow inputs first, so that most samples have been let go
/// when the widest are searched, which takes the most memory.
std::vector<std::size_t> search_order(const std::vector<SiteGroup>& groups);

/// An attention of which at least one product is selected.
struct SelectedAttention {
  AttentionSite site;
  bool scores = false;
  bool values = false;
  AttentionBits bits = {};
};

/// The selected sites, and every other site or product with the reason why it is left out.
/// Throws Error(usage) on an invalid regex.
std::vector<LinearSite> select_sites(const SiteSearch& found, const SiteSelection& selection,
                                     std::vector<SkippedSite>& skipped);

/// The selected attention products, and every other with the reason why it is left out. Throws
/// Error(usage) on an invalid regex.
std::vector<SelectedAttention> select_attention(const SiteSearch& found, const SiteSelection& selection,
                                                std::vector<SkippedSite>& skipped);

}  // namespace nq
