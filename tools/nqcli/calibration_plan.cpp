#include "calibration_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nq {
namespace {

/// A line per site or product; counts those that are quantized.
template <typename Item>
std::string decisions_text(const std::vector<Item>& items, std::int64_t& quantized) {
  std::string text;
  for (const Item& item : items) {
    text += fmt::format("{}  {}\n", item.name, item.quantized() ? "quantize" : "float: " + item.skip_reason);
    quantized += item.quantized() ? 1 : 0;
  }
  return text;
}

template <typename Item>
void list_skipped(const std::vector<Item>& items, Json& skipped) {
  for (const Item& item : items) {
    if (!item.quantized()) skipped.push_back({{"name", item.name}, {"reason", item.skip_reason}});
  }
}

}  // namespace

Json plan_document(const CalibrationPlan& plan) {
  Json document = new_document("calibrate");
  document["dry_run"] = true;
  document["model"] = plan.files.source.string();
  document["output"] = plan.files.model.string();
  document["recipe"] = plan.files.recipe.string();
  document["method"] = plan.method;
  document["images"] = plan.images;
  document["sites"] = Json::array();
  document["skipped"] = Json::array();
  document["products"] = Json::array();
  for (const InspectedSite& site : plan.inspection.sites) {
    if (site.quantized()) document["sites"].push_back({{"name", site.name}, {"c_in", site.c_in}, {"c_out", site.c_out}});
  }
  for (const InspectedProduct& product : plan.inspection.products) {
    if (product.quantized()) document["products"].push_back({{"name", product.name}, {"role", to_string(product.role)}});
  }
  list_skipped(plan.inspection.sites, document["skipped"]);
  list_skipped(plan.inspection.products, document["skipped"]);
  return document;
}

std::string plan_text(const CalibrationPlan& plan) {
  std::int64_t sites = 0;
  std::int64_t products = 0;
  std::string text = decisions_text(plan.inspection.sites, sites);
  text += decisions_text(plan.inspection.products, products);
  return text + fmt::format(
      "would quantize {} of {} linear layers and {} of {} attention products with method {} on {} images, and write '{}' and '{}'\n",
      sites, plan.inspection.sites.size(), products, plan.inspection.products.size(), plan.method, plan.images,
      plan.files.model.string(), plan.files.recipe.string());
}

}  // namespace nq
