#include "pipeline/calibration_statistics.hpp"

#include <set>

#include "core/check.hpp"
#include "data/image_list.hpp"

namespace nq {
namespace {

void check_same(bool same, const char* what) {
  NQ_CHECK(same, input, "the statistics cannot be merged: they differ in their {}", what);
}

bool same_product(const ProductStatistics& a, const ProductStatistics& b) {
  return a.scores_origin == b.scores_origin && a.values_origin == b.values_origin && a.scores == b.scores &&
         a.values == b.values && a.observer->layout() == b.observer->layout();
}

void check_mergeable(const CalibrationStatistics& a, const CalibrationStatistics& b) {
  check_same(a.model_sha256 == b.model_sha256, "model");
  check_same(a.preprocess == b.preprocess, "preprocessing");
  check_same(a.input_shapes == b.input_shapes, "input shape");
  check_same(a.capacity == b.capacity, "capacity (--max-memory)");
  NQ_CHECK(same_selection(a.selection, b.selection), input,
           "the statistics cannot be merged: one was taken with {}, the other with {}", selection_text(a.selection),
           selection_text(b.selection));
  check_same(a.groups.size() == b.groups.size(), "layers");
  for (std::size_t k = 0; k < a.groups.size(); ++k) {
    check_same(a.groups[k].origins == b.groups[k].origins, "layers");
    check_same(a.groups[k].observer->c_in() == b.groups[k].observer->c_in(), "layers");
    check_same(a.groups[k].observer->readout() == b.groups[k].observer->readout(), "read tokens");
  }
  check_same(std::equal(a.products.begin(), a.products.end(), b.products.begin(), b.products.end(), same_product),
             "attention products");
}

}  // namespace

std::string selection_text(const SiteSelection& selection) {
  const bool all = selection.patch_embed && selection.head && selection.products;
  std::string text = all ? "--quantize all" : "--quantize linear";
  if (!all && selection.patch_embed) text += " --patch-embed";
  if (!all && selection.head) text += " --head";
  if (!selection.include.empty()) text += " --include " + selection.include;
  if (!selection.exclude.empty()) text += " --exclude " + selection.exclude;
  return text;
}

bool same_selection(const SiteSelection& a, const SiteSelection& b) {
  return a.patch_embed == b.patch_embed && a.head == b.head && a.products == b.products && a.include == b.include &&
         a.exclude == b.exclude;
}

std::vector<std::string> origins_of(const SiteGroup& group) {
  std::vector<std::string> origins;
  for (const LinearSite& site : group.sites) origins.push_back(site.origin);
  return origins;
}

std::vector<std::unique_ptr<SiteObserver>> take_observers(CalibrationStatistics& statistics, const std::vector<SiteGroup>& groups,
                                                          const std::string& source) {
  const bool same = std::equal(groups.begin(), groups.end(), statistics.groups.begin(), statistics.groups.end(),
                               [](const SiteGroup& group, const CalibrationStatistics::Group& kept) {
                                 return origins_of(group) == kept.origins && group.c_in() == kept.observer->c_in();
                               });
  NQ_CHECK(same, input, "{} hold other layers than the model", source);
  std::vector<std::unique_ptr<SiteObserver>> observers;
  for (auto& group : statistics.groups) observers.push_back(std::move(group.observer));
  return observers;
}

void merge(CalibrationStatistics& statistics, const CalibrationStatistics& other) {
  check_mergeable(statistics, other);
  std::set<std::string> seen(statistics.images.begin(), statistics.images.end());
  for (const std::string& line : other.images) {
    NQ_CHECK(seen.insert(line).second, input, "the statistics cannot be merged: both hold the image '{}'",
             line.substr(std::min<std::size_t>(66, line.size())));
  }
  statistics.images.insert(statistics.images.end(), other.images.begin(), other.images.end());
  sort_image_lines(statistics.images);
  statistics.images_read += other.images_read;
  for (std::size_t k = 0; k < statistics.groups.size(); ++k) {
    SiteObserver& observer = *statistics.groups[k].observer;
    for (const auto& [key, row] : other.groups[k].observer->kept_rows()) observer.keep(key, row);
    observer.add(other.groups[k].observer->totals());
  }
  for (std::size_t k = 0; k < statistics.products.size(); ++k) {
    ProductObserver& observer = *statistics.products[k].observer;
    for (const auto& [key, instance] : other.products[k].observer->kept()) observer.keep(key, instance);
    observer.add(other.products[k].observer->totals());
  }
}

void merge_statistics(const std::vector<std::filesystem::path>& parts, const std::filesystem::path& merged) {
  NQ_CHECK(!parts.empty(), usage, "no statistics to merge");
  CalibrationStatistics all = load_statistics(parts.front());
  for (std::size_t k = 1; k < parts.size(); ++k) {
    with_context([&] { merge(all, load_statistics(parts[k])); },
                 [&] { return fmt::format("while merging '{}'", parts[k].string()); });
  }
  save_statistics(merged, all);
}

StatisticsSummary summarize_statistics(const std::filesystem::path& path) {
  const CalibrationStatistics statistics = load_statistics(path);
  StatisticsSummary summary;
  summary.model_sha256 = statistics.model_sha256;
  summary.preprocess = statistics.preprocess;
  summary.images = statistics.images_read;
  summary.image_list_sha256 = lines_sha256(statistics.images);
  summary.capacity = statistics.capacity;
  for (const auto& group : statistics.groups) {
    const SiteStatistics rows = group.observer->finish();
    StatisticsSummary::Layer layer{group.origins, group.observer->c_in(), rows.tokens, rows.rows, 0, 0, 0};
    layer.readout_rows = std::count(rows.readout.begin(), rows.readout.end(), 1);
    layer.low = *std::min_element(rows.channel_min.begin(), rows.channel_min.end());
    layer.high = *std::max_element(rows.channel_max.begin(), rows.channel_max.end());
    summary.layers.push_back(std::move(layer));
  }
  summary.selection = selection_text(statistics.selection);
  for (const ProductStatistics& product : statistics.products) {
    const ProductLayout& layout = product.observer->layout();
    summary.products.push_back({product.scores_origin, product.values_origin, layout.heads, layout.queries, layout.keys,
                                static_cast<std::int64_t>(product.observer->kept().size()), layout.rows});
  }
  return summary;
}

}  // namespace nq
