#include "nq/calibrate.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>

#include "document.hpp"
#include "log_output.hpp"
#include "nq/error.hpp"
#include "nq/evaluate.hpp"
#include "nq/inspect.hpp"
#include "nq/quantize.hpp"
#include "nq/threads.hpp"
#include "options/calibration_options.hpp"
#include "options/images_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "options/selection_options.hpp"
#include "output_check.hpp"
#include "output_names.hpp"
#include "preprocess_check.hpp"
#include "quantized_set.hpp"
#include "report_forms.hpp"
#include "table.hpp"
#include "target_check.hpp"
#include "text_forms.hpp"

namespace nq {
namespace {

struct CalibrateCommandOptions {
  ModelOptions model;
  ImagesOptions images;
  std::filesystem::path output;
  std::filesystem::path recipe;
  std::int64_t num_images = 0;
  CalibrationOptions calibration;
  bool fold = true;
  std::string target;
  std::string noise_dtype = "float32";
  bool preprocess_check = true;
  bool dry_run = false;
  RuntimeOptions runtime;
};

/// Where the two results go.
struct Targets {
  std::filesystem::path model;
  std::filesystem::path recipe;
};

Targets choose_targets(const CalibrateCommandOptions& options) {
  const MethodOptions& fit = options.calibration.fit;
  Targets targets{options.output, options.recipe};
  if (targets.model.empty()) {
    targets.model = default_output(options.model.path, {fit.weight_bits, fit.activation_bits});
  }
  if (targets.recipe.empty()) targets.recipe = default_recipe(targets.model);
  check_output(targets.model, {options.model.path});
  check_output(targets.recipe, {options.model.path, targets.model});
  const std::filesystem::path& statistics = options.calibration.save_statistics;
  if (statistics.empty()) return targets;
  check_output(statistics, {options.model.path, targets.model, targets.recipe});
  if (options.calibration.propagate != Propagate::fp32) {
    throw Error(ErrorKind::usage, "--save-stats needs --propagate fp32",
                "with --propagate quantized every layer's inputs depend on the layers before it");
  }
  return targets;
}

std::uint64_t peak_rss_bytes() {
  struct rusage usage {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

Json json_plan(const CalibrateCommandOptions& options, const Targets& targets, const Inspection& inspection,
               std::size_t images) {
  Json document = new_document("calibrate");
  document["dry_run"] = true;
  document["model"] = options.model.path.string();
  document["output"] = targets.model.string();
  document["recipe"] = targets.recipe.string();
  document["method"] = options.calibration.method;
  document["images"] = images;
  document["sites"] = Json::array();
  document["skipped"] = Json::array();
  for (const InspectedProduct& product : inspection.products) {
    if (!product.quantized()) document["skipped"].push_back({{"name", product.name}, {"reason", product.skip_reason}});
  }
  document["products"] = Json::array();
  for (const InspectedProduct& product : inspection.products) {
    if (product.quantized()) document["products"].push_back({{"name", product.name}, {"role", to_string(product.role)}});
  }
  for (const InspectedSite& site : inspection.sites) {
    if (site.quantized()) {
      document["sites"].push_back({{"name", site.name}, {"c_in", site.c_in}, {"c_out", site.c_out}});
    } else {
      document["skipped"].push_back({{"name", site.name}, {"reason", site.skip_reason}});
    }
  }
  return document;
}

void print_plan(const CalibrateCommandOptions& options, const Targets& targets, const ModelFile& model,
                std::size_t images) {
  const Inspection inspection =
      inspect(model, {options.calibration.selection, options.calibration.input_shape});
  if (options.runtime.json) {
    print_document(json_plan(options, targets, inspection, images));
    return;
  }
  const auto quantized = std::count_if(inspection.sites.begin(), inspection.sites.end(),
                                       [](const auto& site) { return site.quantized(); });
  const auto products = std::count_if(inspection.products.begin(), inspection.products.end(),
                                      [](const auto& product) { return product.quantized(); });
  std::string text;
  for (const InspectedSite& site : inspection.sites) {
    text += fmt::format("{}  {}\n", site.name, site.quantized() ? "quantize" : "float: " + site.skip_reason);
  }
  for (const InspectedProduct& product : inspection.products) {
    text += fmt::format("{}  {}\n", product.name, product.quantized() ? "quantize" : "float: " + product.skip_reason);
  }
  text += fmt::format("would quantize {} of {} linear layers and {} of {} attention products with method {} on {} images, and "
                      "write '{}' and '{}'\n",
                      quantized, inspection.sites.size(), products, inspection.products.size(),
                      options.calibration.method, images, targets.model.string(), targets.recipe.string());
  print_text(text);
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
  for (const StageLoss& stage : product.stages) losses.push_back({{"stage", stage.stage}, {"mse", stage.mse}});
  return {{"name", product.name},
          {"role", to_string(product.role)},
          {"left", json_quantizer(product.left)},
          {"right", json_quantizer(product.right)},
          {"losses", losses}};
}

/// What calibrate did, and how the file that it wrote behaves.
struct Outcome {
  CalibrationResult result;
  EvalReport comparison;
  Inspection written;
};

Json json_outcome(const CalibrateCommandOptions& options, const Targets& targets,
                  const Preprocess& preprocess, const Outcome& outcome) {
  const Recipe& recipe = outcome.result.recipe;
  const PhaseSeconds& phases = outcome.result.phases;
  Json document = new_document("calibrate");
  document["model"] = options.model.path.string();
  document["output"] = targets.model.string();
  document["output_bytes"] = std::filesystem::file_size(targets.model);
  document["recipe"] = targets.recipe.string();
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
  document["phases"] = {{"decode_s", phases.decode},
                        {"forward_s", phases.forward},
                        {"search_s", phases.search},
                        {"emit_s", phases.emit}};
  document["threads"] = num_threads();
  document["peak_rss_bytes"] = peak_rss_bytes();
  return document;
}

std::string products_text(const Recipe& recipe) {
  if (recipe.products.empty()) return {};
  Table table({{"attention product"}, {"role"}, {"left scale", true}, {"right scale", true}, {"loss before", true}, {"loss after", true}});
  for (const ProductRecipe& product : recipe.products) {
    const bool has_loss = !product.stages.empty();
    table.add_row({product.name, std::string(to_string(product.role)), fmt::format("{:.4g}", product.left.scale.at(0)),
                   fmt::format("{:.4g}", product.right.scale.at(0)),
                   has_loss ? fmt::format("{:.4g}", product.stages.front().mse) : "-",
                   has_loss ? fmt::format("{:.4g}", product.stages.back().mse) : "-"});
  }
  return "\n" + table.text();
}

std::string outcome_text(const CalibrateCommandOptions& options, const Targets& targets,
                         const Outcome& outcome) {
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
  text +=
      "against the float model, on these images:\n" + comparison_text(outcome.comparison.reference.value());
  text +=
      fmt::format("seconds    decode {:.2f}, forward {:.2f}, search {:.2f}, emit {:.2f}; peak memory {}\n",
                  phases.decode, phases.forward, phases.search, phases.emit, bytes_text(peak_rss_bytes()));
  text += fmt::format("wrote      {} ({}; the float model has {})\nwrote      {}\n", targets.model.string(),
                      bytes_text(std::filesystem::file_size(targets.model)),
                      bytes_text(std::filesystem::file_size(options.model.path)), targets.recipe.string());
  return text;
}

void write_results(const ModelFile& model, const Targets& targets, CalibrationResult& result) {
  const auto start = std::chrono::steady_clock::now();
  quantize(model, result.recipe, emit_options(result.recipe)).save(targets.model);
  save_recipe(targets.recipe, result.recipe);
  result.phases.emit = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Reads the written model back as any other program would, and compares it with the float one.
void measure_written(const CalibrateCommandOptions& options, const ModelFile& model,
                     const std::filesystem::path& path, const std::vector<Sample>& samples,
                     const Preprocess& preprocess, Progress& progress, Outcome& outcome) {
  const ModelFile written = ModelFile::load(path).read_as(model.choice());
  EvalOptions eval;
  eval.bad_images = options.calibration.bad_images;
  eval.input_shape = options.calibration.input_shape;
  outcome.comparison = evaluate(written, &model, samples, preprocess, eval, progress);
  InspectOptions inspect_options;
  inspect_options.input_shape = options.calibration.input_shape;
  outcome.written = inspect(written, inspect_options);
}

void run_calibrate(CalibrateCommandOptions options) {
  options.runtime.apply();
  options.calibration.bad_images = options.images.bad_image_policy();
  options.calibration.input_shape = options.model.input_shape();
  options.calibration.fold_noise = options.fold;
  check_target_options(options.target, options.calibration.fit, options.noise_dtype);
  const Targets targets = choose_targets(options);
  const ModelFile model = options.model.load();
  const Preprocess preprocess = options.images.resolve(model, options.calibration.input_shape);
  const ImageFolder folder = options.images.open();
  const std::vector<Sample> samples = folder.select(options.num_images, options.calibration.fit.seed);
  if (options.dry_run) {
    print_plan(options, targets, model, samples.size());
    return;
  }
  TerminalProgress progress(options.runtime.progress());
  if (options.preprocess_check) {
    EvalOptions eval;
    eval.input_shape = options.calibration.input_shape;
    eval.classes = options.images.classes(folder);
    guard_preprocess(model, folder, preprocess, eval, progress);
  }
  Outcome outcome;
  outcome.result = calibrate(model, samples, preprocess, options.calibration, progress);
  outcome.result.recipe.options[kFoldOption] = options.fold ? "true" : "false";
  if (!options.target.empty()) outcome.result.recipe.options["target"] = options.target;
  if (options.noise_dtype == "int16") outcome.result.recipe.options[kNoiseTypeOption] = options.noise_dtype;
  log_skipped(outcome.result.skipped_images);
  write_results(model, targets, outcome.result);
  try {
    check_written_for(options.target, targets.model);
    measure_written(options, model, targets.model, samples, preprocess, progress, outcome);
  } catch (const Error& error) {
    throw error.with_frame(
        fmt::format("after writing '{}' and '{}'", targets.model.string(), targets.recipe.string()));
  }
  if (options.runtime.json)
    print_document(json_outcome(options, targets, preprocess, outcome));
  else
    print_text(outcome_text(options, targets, outcome));
}

}  // namespace

void add_calibrate(CLI::App& app) {
  auto options = std::make_shared<CalibrateCommandOptions>();
  CLI::App& command =
      *app.add_subcommand("calibrate", "Quantize a model with images: writes QDQ ONNX and a recipe");
  options->model.add_to(command);
  options->model.add_input_shape_to(command);
  command
      .add_option("-o,--output", options->output,
                  "Quantized model; default: <model>_w<W>a<A>.onnx in this folder")
      ->type_name("FILE");
  command
      .add_option("--recipe-out", options->recipe, "Recipe; default: <output>.recipe.json beside the output")
      ->type_name("FILE");
  command.add_flag("-n,--dry-run", options->dry_run, "Check everything and print the plan; write nothing");
  options->images.add_to(command);
  command
      .add_option("--num-images", options->num_images,
                  "Calibrate on that many images, chosen by --seed; 0 for all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group("Images");
  command
      .add_flag("--preprocess-check,!--no-preprocess-check", options->preprocess_check,
                "Where images have labels, stop when the float model is clearly better with another mean and std, "
                "channel order, crop or interpolation (default: on)")
      ->group("Images");
  add_calibration_options(command, options->calibration);
  add_selection_options(command, options->calibration.selection);
  command
      .add_flag("--fold,!--no-fold", options->fold,
                "Fold the noisy bias into what feeds the layer where that is exact")
      ->group("Quantization");
  command
      .add_option("--noise-dtype", options->noise_dtype,
                  "Type of the noisy and denoising biases that are stored: int16 codes with a scale of their own")
      ->check(CLI::IsMember({"float32", "int16"}))
      ->capture_default_str()
      ->group("Quantization");
  command
      .add_option("--target", options->target,
                  "Refuse options that this runtime does not take, and verify the written file for it")
      ->check(CLI::IsMember({"portable", "ort-cpu", "tensorrt", "openvino"}))
      ->group("Quantization");
  options->runtime.add_to(command);
  command.footer(
      "\nExample:\n  nqcli calibrate vit.onnx --images calib/ --wbits 6 --abits 6 -o vit_w6a6.onnx");
  command.callback([options] { run_calibrate(*options); });
}

}  // namespace nq
