#include "nq/quantize.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "document.hpp"
#include "nq/inspect.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "output_check.hpp"
#include "output_names.hpp"
#include "quantized_set.hpp"
#include "text_forms.hpp"

namespace nq {
namespace {

struct QuantizeCommandOptions {
  ModelOptions model;
  std::filesystem::path recipe;
  std::filesystem::path output;
  RuntimeOptions runtime;
};

void run_quantize(const QuantizeCommandOptions& options) {
  options.runtime.apply();
  const Recipe recipe = load_recipe(options.recipe);
  const std::filesystem::path output =
      options.output.empty() ? default_output(options.model.path, recipe_bits(recipe)) : options.output;
  check_output(output, {options.model.path, options.recipe});
  const ModelFile model = options.model.load();
  quantize(model, recipe, emit_options(recipe)).save(output);
  const Inspection written = inspect(ModelFile::load(output));
  if (options.runtime.json) {
    Json document = new_document("quantize");
    document["model"] = options.model.path.string();
    document["recipe"] = options.recipe.string();
    document["output"] = output.string();
    document["output_bytes"] = std::filesystem::file_size(output);
    document["method"] = recipe.method;
    document["quantization"] = json_quantized_set(written);
    print_document(document);
    return;
  }
  print_text(fmt::format("wrote      {} ({}; the float model has {})\nquantized  {}\n", output.string(),
                         bytes_text(std::filesystem::file_size(output)),
                         bytes_text(std::filesystem::file_size(options.model.path)),
                         quantized_set_text(written)));
}

}  // namespace

void add_quantize(CLI::App& app) {
  auto options = std::make_shared<QuantizeCommandOptions>();
  CLI::App& command = *app.add_subcommand(
      "quantize", "Write the quantized model of a recipe again; the same bytes, without images");
  options->model.add_to(command);
  command.add_option("--recipe", options->recipe, "Recipe written by calibrate")
      ->required()
      ->type_name("FILE");
  command
      .add_option("-o,--output", options->output,
                  "Quantized model; default: <model>_w<W>a<A>.onnx in this folder")
      ->type_name("FILE");
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli quantize vit.onnx --recipe vit_w6a6.recipe.json -o vit_w6a6.onnx");
  command.callback([options] { run_quantize(*options); });
}

}  // namespace nq
