#include "calibration_report.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "nq/number_text.hpp"
#include "nq/threads.hpp"
#include "quantized_set.hpp"
#include "report_forms.hpp"
#include "table.hpp"

namespace nq {
namespace {

std::uint64_t peak_rss_bytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

Json json_weight_scales(const QuantParams& weight) {
  std::vector<float> scales = weight.scale;
  std::sort(scales.begin(), scales.end());
  return {{"bits", weight.bits},
          {"scales", scales.size()},
          {"scale_min", scales.front()},
          {"scale_median", scales[scales.size() / 2]},
          {"scale_max", scales.back()}};
}

Json json_site(const SiteRecipe& site) {
  Json losses = Json::array();
  for (const StageLoss& stage : site.stages) losses.push_back({{"stage", stage.stage}, {"mse", stage.mse}});
  Json noise;
  if (!site.noisy_bias.empty()) noise = {{"mean", site.noise_mean}, {"amplitude", site.noise_amplitude}};
  return {{"name", site.name},
          {"c_in", site.c_in},
          {"c_out", site.c_out},
          {"weight", json_weight_scales(site.weight)},
          {"activation",
           {{"bits", site.activation.bits},
            {"scale", site.activation.scale.at(0)},
            {"zero_point", site.activation.zero_point.at(0)}}},
          {"noisy_bias", noise},
          {"loss_before", site.stages.empty() ? Json() : Json(site.stages.front().mse)},
          {"loss_after", site.stages.empty() ? Json() : Json(site.stages.back().mse)},
          {"losses", losses}};
}

Json json_quantizer(const QuantParams& params) {
  return {{"bits", params.bits},
          {"signed", params.is_signed},
          {"scale", params.scale.at(0)},
          {"zero_point", params.zero_point.at(0)}};
}

Json json_product(const ProductRecipe& product) {
  Json losses = Json::array();
  for (const StageLoss& stage : product.stages)
    losses.push_back({{"stage", stage.stage}, {"mse", stage.mse}});
  return {{"name", product.name},
          {"role", to_string(product.role)},
          {"left", json_quantizer(product.left)},
          {"right", json_quantizer(product.right)},
          {"losses", losses}};
}

std::string products_text(const Recipe& recipe) {
  if (recipe.products.empty()) return {};
  Table table({{"attention product"},
               {"role"},
               {"left scale", true},
               {"right scale", true},
               {"loss before", true},
               {"loss after", true}});
  for (const ProductRecipe& product : recipe.products) {
    const bool has_loss = !product.stages.empty();
    table.add_row({product.name, std::string(to_string(product.role)),
                   fmt::format("{:.4g}", product.left.scale.at(0)),
                   fmt::format("{:.4g}", product.right.scale.at(0)),
                   has_loss ? fmt::format("{:.4g}", product.stages.front().mse) : "-",
                   has_loss ? fmt::format("{:.4g}", product.stages.back().mse) : "-"});
  }
  return "\n" + table.text();
}

}  // namespace

Json calibration_document(const CalibrationFiles& files, const Preprocess& preprocess,
                          const CalibrationOutcome& outcome) {
  const Recipe& recipe = outcome.result.recipe;
  const PhaseSeconds& phases = outcome.result.phases;
  Json document = new_document("calibrate");
  document["model"] = files.source.string();
  document["output"] = files.model.string();
  document["output_bytes"] = std::filesystem::file_size(files.model);
  document["recipe"] = files.recipe.string();
  document["method"] = recipe.method;
  document["options"] = recipe.options;
  document["seed"] = recipe.seed;
  document["images"] = outcome.result.images;
  document["image_list_sha256"] = recipe.image_list_sha256;
  document["skipped_images"] = json_skipped(outcome.result.skipped_images);
  document["preprocess"] = Json::parse(preprocess_to_json(preprocess));
  document["preprocess_source"] = preprocess.source;
  document["sites"] = Json::array();
  for (const SiteRecipe& site : recipe.sites) document["sites"].push_back(json_site(site));
  document["products"] = Json::array();
  for (const ProductRecipe& product : recipe.products) document["products"].push_back(json_product(product));
  document["skipped"] = Json::array();
  for (const SkippedSite& site : recipe.skipped) {
    document["skipped"].push_back({{"name", site.name}, {"reason", site.reason}});
  }
  document["quantization"] = json_quantized_set(outcome.written);
  document["comparison"] =
      json_comparison(outcome.comparison.reference.value(), outcome.comparison.labelled > 0);
  document["comparison"]["images"] = outcome.comparison.images;
  document["phases"] = {{"decode_s", phases.decode},
                        {"forward_s", phases.forward},
                        {"search_s", phases.search},
                        {"emit_s", phases.emit},
                        {"compare_s", phases.compare}};
  document["threads"] = num_threads();
  document["peak_rss_bytes"] = peak_rss_bytes();
  return document;
}

std::string calibration_text(const CalibrationFiles& files, const CalibrationOutcome& outcome) {
  const Recipe& recipe = outcome.result.recipe;
  Table table({{"linear layer"},
               {"c_in", true},
               {"c_out", true},
               {"scale", true},
               {"zero point", true},
               {"noise", true},
               {"loss before", true},
               {"loss after", true}});
  for (const SiteRecipe& site : recipe.sites) {
    const bool has_loss = !site.stages.empty();
    table.add_row({site.name, std::to_string(site.c_in), std::to_string(site.c_out),
                   fmt::format("{:.4g}", site.activation.scale.at(0)),
                   std::to_string(site.activation.zero_point.at(0)),
                   site.noisy_bias.empty() ? "-" : fmt::format("{:.4g}", site.noise_amplitude),
                   has_loss ? fmt::format("{:.4g}", site.stages.front().mse) : "-",
                   has_loss ? fmt::format("{:.4g}", site.stages.back().mse) : "-"});
  }
  const PhaseSeconds& phases = outcome.result.phases;
  std::string text = table.text() + products_text(recipe);
  text += fmt::format("\nquantized  {}\n", quantized_set_text(outcome.written));
  text +=
      fmt::format("images     {}{}\n", outcome.result.images, skipped_text(outcome.result.skipped_images));
  text += fmt::format("against the float model, on {} of these images:\n{}", outcome.comparison.images,
                      comparison_text(outcome.comparison.reference.value()));
  text += fmt::format("seconds    decode {:.2f}, forward {:.2f}, search {:.2f}, emit {:.2f}, compare {:.2f}; peak memory {}\n",
                      phases.decode, phases.forward, phases.search, phases.emit, phases.compare, bytes_text(peak_rss_bytes()));
  text += fmt::format("wrote      {} ({}; the float model has {})\nwrote      {}\n", files.model.string(),
                      bytes_text(outcome.written_bytes), bytes_text(outcome.model_bytes), files.recipe.string());
  return text;
}

}  // namespace nq
