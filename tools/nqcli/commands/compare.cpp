#include "nq/compare.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "document.hpp"
#include "log_output.hpp"
#include "nq/number_text.hpp"
#include "options/images_options.hpp"
#include "options/kernel_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "report_forms.hpp"
#include "table.hpp"

namespace nq {
namespace {

struct CompareCommandOptions {
  ModelOptions reference;
  std::filesystem::path other;
  ImagesOptions images;
  std::int64_t limit = 0;
  std::uint64_t seed = 0;
  CompareOptions compare;
  RuntimeOptions runtime;
};

/// JSON has no infinity: null stands for it.
Json json_number(std::optional<double> value) { return value && std::isfinite(*value) ? Json(*value) : Json(); }

Json json_layer(const LayerComparison& layer) {
  return {{"name", layer.name},
          {"origin", layer.origin},
          {"value", layer.value},
          {"c_out", layer.c_out},
          {"quantized", layer.quantized},
          {"accumulated_sqnr_db", json_number(layer.accumulated_sqnr_db)},
          {"accumulated_mse", layer.accumulated_mse},
          {"local_sqnr_db", json_number(layer.local_sqnr_db)},
          {"local_mse", json_number(layer.local_mse)},
          {"local_gap", layer.local_gap.empty() ? Json() : Json(layer.local_gap)}};
}

Json json_image(const ImageComparison& image) {
  return {{"name", image.name},
          {"label", image.label ? Json(*image.label) : Json()},
          {"logit_mse", image.logit_mse},
          {"cosine", image.cosine},
          {"kl", image.kl},
          {"reference_class", image.reference_class},
          {"other_class", image.other_class}};
}

Json json_unmatched(const std::vector<UnmatchedLayer>& layers) {
  Json list = Json::array();
  for (const UnmatchedLayer& layer : layers) list.push_back({{"name", layer.name}, {"reason", layer.reason}});
  return list;
}

Json json_report(const CompareCommandOptions& options, const Preprocess& preprocess, const Comparison& result) {
  Json document = new_document("compare");
  document["reference"] = options.reference.path.string();
  document["other"] = options.other.string();
  document["images"] = result.images;
  document["labelled"] = result.labelled;
  document["classes"] = result.classes;
  document["logit_mse"] = result.logit_mse;
  document["sqnr_db"] = json_number(result.sqnr_db);
  document["cosine"] = result.cosine;
  document["kl"] = result.kl;
  document["agreement"] = result.agreement;
  document["reference_top1"] = result.labelled > 0 ? Json(result.reference_top1) : Json();
  document["other_top1"] = result.labelled > 0 ? Json(result.other_top1) : Json();
  document["layers"] = Json::array();
  for (const LayerComparison& layer : result.layers) document["layers"].push_back(json_layer(layer));
  document["ranking"] = Json::array();
  for (const std::size_t place : result.ranking()) document["ranking"].push_back(result.layers[place].name);
  document["unmatched"] = json_unmatched(result.unmatched);
  document["worst"] = Json::array();
  for (const ImageComparison& image : result.worst) document["worst"].push_back(json_image(image));
  document["seconds"] = result.seconds;
  document["skipped_images"] = json_skipped(result.skipped_images);
  document["preprocess"] = Json::parse(preprocess_to_json(preprocess));
  document["preprocess_source"] = preprocess.source;
  return document;
}

std::string decibels(std::optional<double> value, std::string_view missing) {
  if (!value) return std::string(missing);
  return std::isfinite(*value) ? fmt::format("{:.2f}", *value) : "exact";
}

std::string layers_text(const Comparison& result) {
  if (result.layers.empty()) return {};
  Table table({{"layer, largest own error first"}, {"c_out", true}, {"local dB", true}, {"accumulated dB", true}});
  for (const std::size_t place : result.ranking()) {
    const LayerComparison& layer = result.layers[place];
    table.add_row({layer.name, std::to_string(layer.c_out), decibels(layer.local_sqnr_db, layer.quantized ? "?" : "float"),
                   decibels(layer.accumulated_sqnr_db, "?")});
  }
  std::string text = "\n" + table.text();
  for (const UnmatchedLayer& layer : result.unmatched) text += fmt::format("not compared: {}: {}\n", layer.name, layer.reason);
  return text;
}

std::string report_text(const Comparison& result) {
  std::string text = fmt::format("images     {}{}\n", result.images, skipped_text(result.skipped_images));
  text += fmt::format("logit MSE  {:.6g}\nSQNR       {} dB\ncosine     {:.6f}\nKL         {:.6g} nats\nagreement  {}\n",
                      result.logit_mse, decibels(result.sqnr_db, "?"), result.cosine, result.kl,
                      percent_text(result.agreement));
  if (result.labelled > 0) {
    text += fmt::format("top-1      {} and {}\n", percent_text(result.reference_top1), percent_text(result.other_top1));
  }
  if (!result.worst.empty()) {
    Table table({{"image, largest logit error first"}, {"logit MSE", true}, {"cosine", true}, {"KL", true}, {"top-1"}});
    for (const ImageComparison& image : result.worst) {
      const std::string classes = image.reference_class == image.other_class
                                      ? std::to_string(image.reference_class)
                                      : fmt::format("{} -> {}", image.reference_class, image.other_class);
      table.add_row({image.name, fmt::format("{:.4g}", image.logit_mse), fmt::format("{:.5f}", image.cosine),
                     fmt::format("{:.4g}", image.kl), classes});
    }
    text += "\n" + table.text();
  }
  return text + layers_text(result);
}

void run_compare(CompareCommandOptions options) {
  options.runtime.apply();
  const ModelFile reference = options.reference.load();
  const ModelFile other = load_runnable(options.other).read_as(options.reference.choice);
  options.compare.input_shape = options.reference.input_shape();
  options.compare.bad_images = options.images.bad_image_policy();
  const Preprocess preprocess = options.images.resolve(reference, other, options.compare.input_shape);
  const ImageFolder folder = options.images.open();
  options.compare.classes = options.images.classes(folder);
  TerminalProgress progress(options.runtime.progress());
  const Comparison result =
      compare(reference, other, folder.select(options.limit, options.seed), preprocess, options.compare, progress);
  log_skipped(result.skipped_images);
  if (options.runtime.json)
    print_document(json_report(options, preprocess, result));
  else
    print_text(report_text(result));
}

}  // namespace

void add_compare(CLI::App& app) {
  auto options = std::make_shared<CompareCommandOptions>();
  CLI::App& command =
      *app.add_subcommand("compare", "Compare two models on the same images: logits, layers, worst images");
  options->reference.add_to(command);
  command.add_option("OTHER", options->other, "ONNX file that is compared with it, usually the quantized one")
      ->required()
      ->type_name("");
  options->reference.add_input_shape_to(command);
  options->images.add_to(command);
  add_limit_options(command, options->limit, options->seed);
  command.add_flag("--layers,!--no-layers", options->compare.layers,
                   "Compare the outputs of layers too, where both models have them under one name (default: on)");
  command.add_option("--worst", options->compare.worst, "Images to list")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{100000}))
      ->capture_default_str();
  add_kernel_option(command, options->compare.kernels);
  options->runtime.add_to(command);
  command.footer(
      "\nThe SQNR of a layer is that of its output, bias included. local: with the first model's inputs, so its own\n"
      "error alone; accumulated: in a whole run, with what it inherits.\n"
      "\nExample:\n  nqcli compare vit.onnx vit_w6a6.onnx --images val/ --limit 100");
  command.callback([options] { run_compare(*options); });
}

}  // namespace nq
