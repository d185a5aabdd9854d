#include "nq/quantize.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "document.hpp"
#include "nq/calibrate.hpp"
#include "nq/error.hpp"
#include "nq/inspect.hpp"
#include "nq/number_text.hpp"
#include "options/calibration_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "options/selection_options.hpp"
#include "options/storage_options.hpp"
#include "output_check.hpp"
#include "output_names.hpp"
#include "quantized_set.hpp"
#include "terminal_progress.hpp"

namespace nq {
namespace {

struct QuantizeCommandOptions {
  ModelOptions model;
  std::filesystem::path recipe;
  std::filesystem::path statistics;
  std::filesystem::path recipe_out;
  std::filesystem::path output;
  CalibrationOptions calibration;
  bool selection_given = false;
  bool fold = true;
  StorageOptions storage;
  RuntimeOptions runtime;
};

/// A recipe that was given, or one fitted to statistics and saved.
struct RecipeSource {
  Recipe recipe;
  std::filesystem::path path;
  std::filesystem::path output;
};

RecipeSource read_recipe(const QuantizeCommandOptions& options) {
  RecipeSource source{load_recipe(options.recipe), options.recipe, options.output};
  options.storage.record(source.recipe);
  if (source.output.empty()) source.output = default_output(options.model.path, recipe_bits(source.recipe));
  check_output(source.output, {options.model.path, options.recipe});
  return source;
}

RecipeSource fit_recipe(const QuantizeCommandOptions& options, const ModelFile& model) {
  RecipeSource source{{}, options.recipe_out, options.output};
  const MethodOptions& fit = options.calibration.fit;
  if (source.output.empty()) {
    source.output = default_output(options.model.path, {fit.weight_bits, fit.activation_bits});
  }
  if (source.path.empty()) source.path = default_recipe(source.output);
  check_output(source.output, {options.model.path, options.statistics});
  check_output(source.path, {options.model.path, options.statistics, source.output});
  TerminalProgress progress(options.runtime.progress());
  CalibrationOptions calibration = options.calibration;
  calibration.fold_noise = options.fold;
  const auto asked = options.selection_given ? std::optional(calibration.selection) : std::nullopt;
  source.recipe = fit_statistics(model, options.statistics, calibration, asked, progress).recipe;
  source.recipe.options[kFoldOption] = options.fold ? "true" : "false";
  options.storage.record(source.recipe);
  save_recipe(source.path, source.recipe);
  return source;
}

void run_quantize(const QuantizeCommandOptions& options) {
  options.runtime.apply();
  if (options.recipe.empty() == options.statistics.empty()) {
    throw Error(ErrorKind::usage, "give either --recipe or --stats");
  }
  if (!options.statistics.empty()) options.storage.check(options.calibration);
  const ModelFile model = options.model.load();
  const RecipeSource source = options.statistics.empty() ? read_recipe(options) : fit_recipe(options, model);
  quantize(model, source.recipe, emit_options(source.recipe)).save(source.output);
  const Inspection written = inspect(ModelFile::load(source.output));
  if (options.runtime.json) {
    Json document = new_document("quantize");
    document["model"] = options.model.path.string();
    document["recipe"] = source.path.string();
    document["statistics"] = options.statistics.empty() ? Json() : Json(options.statistics.string());
    document["output"] = source.output.string();
    document["output_bytes"] = std::filesystem::file_size(source.output);
    document["method"] = source.recipe.method;
    document["quantization"] = json_quantized_set(written);
    print_document(document);
    return;
  }
  print_text(fmt::format("wrote      {} ({}; the float model has {})\nquantized  {}\n", source.output.string(),
                         bytes_text(std::filesystem::file_size(source.output)),
                         bytes_text(model.stored_bytes()),
                         quantized_set_text(written)));
}

/// A recipe holds what was fitted: nothing that would fit it otherwise may stand beside it.
void refuse_fit_options(const std::vector<const CLI::Option*>& of_fit) {
  for (const CLI::Option* option : of_fit) {
    if (option->count() == 0) continue;
    throw Error(ErrorKind::usage, fmt::format("{} goes with --stats, not with --recipe: a recipe holds what was fitted", option->get_name()),
                "leave it out to write the recipe's model; run calibrate, or quantize --stats, to fit anew");
  }
}

}  // namespace

void add_quantize(CLI::App& app) {
  auto options = std::make_shared<QuantizeCommandOptions>();
  CLI::App& command = *app.add_subcommand(
      "quantize", "Write the quantized model of a recipe, or of calibration statistics, without images");
  options->model.add_to(command);
  command.add_option("--recipe", options->recipe, "Recipe written by calibrate: the same bytes again")
      ->type_name("FILE");
  command
      .add_option("--stats", options->statistics,
                  "Statistics written by calibrate --save-stats: fits anew with the options below")
      ->type_name("FILE");
  command
      .add_option("-o,--output", options->output,
                  "Quantized model; default: <model>_w<W>a<A>.onnx in this folder")
      ->type_name("FILE");
  const CLI::Option* recipe_out =
      command
          .add_option("--recipe-out", options->recipe_out,
                      "With --stats: the recipe; default: <output>.recipe.json beside the output")
          ->type_name("FILE");
  const std::vector<CLI::Option*> general = command.get_options();
  add_fit_options(command, options->calibration);
  add_selection_options(command, options->calibration.selection);
  command
      .add_flag("--fold,!--no-fold", options->fold,
                "Fold the noisy bias into what feeds the layer where that is exact")
      ->group("Quantization");
  std::vector<const CLI::Option*> of_fit{recipe_out};
  for (const CLI::Option* option : command.get_options()) {
    if (std::find(general.begin(), general.end(), option) == general.end()) of_fit.push_back(option);
  }
  options->storage.add_to(command);
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli quantize vit.onnx --recipe vit_w6a6.recipe.json -o vit_w6a6.onnx"
      "\n  nqcli quantize vit.onnx --stats vit.stats --method best --wbits 4 --abits 8");
  command.callback([options, &command, of_fit] {
    if (!options->recipe.empty()) refuse_fit_options(of_fit);
    options->selection_given = selection_given(command);
    run_quantize(*options);
  });
}

}  // namespace nq
