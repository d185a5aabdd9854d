#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>

#include "document.hpp"
#include "log_output.hpp"
#include "nq/evaluate.hpp"
#include "nq/inspect.hpp"
#include "nq/threads.hpp"
#include "options/images_options.hpp"
#include "options/kernel_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "quantized_set.hpp"
#include "report_forms.hpp"
#include "text_forms.hpp"

namespace nq {
namespace {

struct EvalCommandOptions {
  ModelOptions model;
  ImagesOptions images;
  std::filesystem::path reference;
  std::int64_t limit = 0;
  std::uint64_t seed = 0;
  std::int64_t batch = 16;
  KernelChoice kernels = KernelChoice::automatic;
  RuntimeOptions runtime;
};

Json json_report(const EvalCommandOptions& options, const Preprocess& preprocess, const ImageFolder& folder,
                 const EvalReport& report, const Inspection& inspection) {
  Json document = new_document("eval");
  document["model"] = options.model.path.string();
  document["images"] = report.images;
  document["labelled"] = report.labelled;
  document["label_source"] = folder.label_source();
  document["classes"] = report.classes;
  document["top1"] = report.labelled > 0 ? Json(report.top1()) : Json();
  document["top5"] = report.labelled > 0 ? Json(report.top5()) : Json();
  document["reference"] = nullptr;
  if (report.reference) {
    document["reference"] = json_comparison(*report.reference, report.labelled > 0);
    document["reference"]["model"] = options.reference.string();
  }
  document["images_per_s"] = report.images_per_s();
  document["seconds"] = report.seconds;
  document["threads"] = num_threads();
  document["kernels"] = to_string(options.kernels);
  document["skipped_images"] = json_skipped(report.skipped_images);
  document["preprocess"] = Json::parse(preprocess_to_json(preprocess));
  document["preprocess_source"] = preprocess.source;
  document["quantization"] = json_quantized_set(inspection);
  return document;
}

std::string report_text(const EvalReport& report, const Inspection& inspection) {
  std::string text = fmt::format("images     {}{}\n", report.images, skipped_text(report.skipped_images));
  if (report.labelled > 0) {
    text += fmt::format("top-1      {} ({} of {})\ntop-5      {}\n", percent_text(report.top1()),
                        report.top1_correct, report.labelled, percent_text(report.top5()));
  } else {
    text += "top-1      - (no image has a label)\n";
  }
  if (report.reference) {
    text += comparison_text(*report.reference);
    if (report.labelled > 0)
      text += fmt::format("reference  top-1 {}\n", percent_text(report.reference->reference_top1));
  }
  text += fmt::format("speed      {:.1f} images/s with {} threads, images read and decoded included\n",
                      report.images_per_s(), num_threads());
  return text + fmt::format("quantized  {}\n", quantized_set_text(inspection));
}

void run_eval(const EvalCommandOptions& options) {
  options.runtime.apply();
  const ModelFile model = options.model.load();
  std::optional<ModelFile> reference;
  if (!options.reference.empty()) reference = load_runnable(options.reference);
  const Preprocess preprocess = options.images.resolve(model, options.model.input_shape());
  const ImageFolder folder = options.images.open();
  InspectOptions inspect_options;
  inspect_options.input_shape = options.model.input_shape();
  const Inspection inspection = inspect(model, inspect_options);
  TerminalProgress progress(options.runtime.progress());
  const EvalReport report = evaluate(
      model, reference ? &*reference : nullptr, folder.select(options.limit, options.seed), preprocess,
      {options.batch, options.images.bad_image_policy(), options.model.input_shape(), options.kernels},
      progress);
  log_skipped(report.skipped_images);
  if (options.runtime.json)
    print_document(json_report(options, preprocess, folder, report, inspection));
  else
    print_text(report_text(report, inspection));
}

}  // namespace

void add_eval(CLI::App& app) {
  auto options = std::make_shared<EvalCommandOptions>();
  CLI::App& command =
      *app.add_subcommand("eval", "Measure accuracy on an image folder, and distance to a reference");
  options->model.add_to(command);
  options->model.add_input_shape_to(command);
  options->images.add_to(command);
  command
      .add_option("--reference", options->reference,
                  "Model whose logits are compared with, usually the float one")
      ->type_name("MODEL");
  command.add_option("--limit", options->limit, "Use only that many images, chosen by --seed; 0 for all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--seed", options->seed, "Seed of the choice of images")->capture_default_str();
  command.add_option("--batch", options->batch, "Images in flight. Never changes a result")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{65536}))
      ->capture_default_str();
  add_kernel_option(command, options->kernels);
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli eval vit_w6a6.onnx --images val/ --reference vit.onnx");
  command.callback([options] { run_eval(*options); });
}

}  // namespace nq
