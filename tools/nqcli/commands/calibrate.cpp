#include "nq/calibrate.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>

#include "calibration_plan.hpp"
#include "calibration_record.hpp"
#include "calibration_report.hpp"
#include "document.hpp"
#include "log_output.hpp"
#include "nq/error.hpp"
#include "nq/quantize.hpp"
#include "options/calibration_options.hpp"
#include "options/class_names_option.hpp"
#include "options/fraction_option.hpp"
#include "options/images_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "options/selection_options.hpp"
#include "options/storage_options.hpp"
#include "output_check.hpp"
#include "output_names.hpp"
#include "preprocess_check.hpp"
#include "report_files.hpp"
#include "target_check.hpp"

namespace nq {
namespace {

struct CalibrateCommandOptions {
  ModelOptions model;
  ImagesOptions images;
  std::filesystem::path output;
  std::filesystem::path recipe;
  ReportFiles report;
  ClassNamesOption class_names;
  std::int64_t num_images = 0;
  CalibrationOptions calibration;
  bool fold = true;
  std::string target;
  std::string noise_dtype = "float32";
  StorageOptions storage;
  bool preprocess_check = true;
  std::optional<double> expected_top1;
  bool dry_run = false;
  RuntimeOptions runtime;
};

CalibrationFiles choose_targets(const CalibrateCommandOptions& options) {
  const MethodOptions& fit = options.calibration.fit;
  CalibrationFiles targets{options.model.path, options.output, options.recipe};
  if (targets.model.empty()) {
    targets.model = default_output(options.model.path, {fit.weight_bits, fit.activation_bits});
  }
  if (targets.recipe.empty()) targets.recipe = default_recipe(targets.model);
  check_output(targets.model, {options.model.path});
  check_output(targets.recipe, {options.model.path, targets.model});
  check_report_files(options.report, {options.model.path, targets.model, targets.recipe});
  if (options.class_names.file && options.report.page.empty()) throw Error(ErrorKind::usage, "--class-names needs --report");
  const std::filesystem::path& statistics = options.calibration.save_statistics;
  if (statistics.empty()) return targets;
  check_output(statistics, {options.model.path, targets.model, targets.recipe});
  if (options.calibration.propagate != Propagate::fp32) {
    throw Error(ErrorKind::usage, "--save-stats needs --propagate fp32",
                "with --propagate quantized every layer's inputs depend on the layers before it");
  }
  return targets;
}

void print_plan(const CalibrateCommandOptions& options, const CalibrationFiles& targets, const ModelFile& model, std::size_t images) {
  const CalibrationPlan plan{targets, options.calibration.method, images,
                             inspect(model, {options.calibration.selection, options.calibration.input_shape})};
  if (options.runtime.json) print_document(plan_document(plan));
  else print_text(plan_text(plan));
}

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void write_results(const ModelFile& model, const CalibrationFiles& targets, CalibrationResult& result) {
  const Clock::time_point start = Clock::now();
  quantize(model, result.recipe, emit_options(result.recipe)).save(targets.model);
  save_recipe(targets.recipe, result.recipe);
  result.phases.emit = seconds_since(start);
}

/// Reads the written model back as any other program would, compares it with the float one, and records the result in
/// model and recipe.
void measure_written(const CalibrateCommandOptions& options, const ModelFile& model,
                     const CalibrationFiles& files, const std::vector<Sample>& samples,
                     const Preprocess& preprocess, const ClassView& classes, Progress& progress,
                     CalibrationOutcome& outcome) {
  const ModelFile written = ModelFile::load(files.model).read_as(model.choice());
  outcome.model_bytes = model.stored_bytes();
  outcome.written_bytes = written.stored_bytes();
  const Clock::time_point start = Clock::now();
  outcome.comparison = compare_calibrated(written, model, samples, preprocess, options.calibration, classes,
                                          outcome.result.compared, progress);
  outcome.result.phases.compare = seconds_since(start);
  InspectOptions inspect_options;
  inspect_options.input_shape = options.calibration.input_shape;
  outcome.written = inspect(written, inspect_options);
  const EvaluationRecord record = calibration_record(model, samples, outcome.comparison);
  outcome.result.recipe.evaluation = evaluation_to_json(record);
  with_evaluation(written, record).save(files.model);
  save_recipe(files.recipe, outcome.result.recipe);
}

/// Shows the written model beside the float one, on the calibration images.
void write_calibration_report(const CalibrateCommandOptions& options, const ModelFile& model, const CalibrationFiles& targets,
                              const ImageFolder& folder, const std::vector<Sample>& samples, const Preprocess& preprocess,
                              const std::vector<std::string>& class_names, const Recipe& recipe, Progress& progress) {
  constexpr std::int64_t kLayerImages = 16;
  const ModelFile written = ModelFile::load(targets.model).read_as(model.choice());
  ReportOptions report_options;
  report_options.bad_images = options.calibration.bad_images;
  report_options.input_shape = options.calibration.input_shape;
  report_options.classes = options.images.classes(folder);
  const std::vector<std::string> labels = model_labels({options.model.path, targets.model});
  const std::int64_t limit = options.num_images == 0 ? kLayerImages : std::min(kLayerImages, options.num_images);
  const ReportImages images{samples, folder.select(limit, options.calibration.fit.seed)};
  Report report = make_report({labels[0], &model, std::nullopt}, {{labels[1], &written, recipe}}, images, preprocess,
                              report_options, progress);
  report.label_source = folder.label_source();
  report.class_names = class_names;
  write_report(report, options.report);
  log_note(fmt::format("wrote '{}'", options.report.page.string()));
}

void run_calibrate(CalibrateCommandOptions options) {
  options.runtime.apply();
  options.calibration.bad_images = options.images.bad_image_policy();
  options.calibration.input_shape = options.model.input_shape();
  options.calibration.fold_noise = options.fold;
  fit_for_target(options.target, options.noise_dtype, options.storage.is_int4(), options.calibration.fit);
  options.storage.check(options.calibration);
  const CalibrationFiles targets = choose_targets(options);
  const ModelFile model = options.model.load();
  const Preprocess preprocess = options.images.resolve(model, options.calibration.input_shape);
  const ImageFolder folder = options.images.open();
  const std::vector<Sample> samples = folder.select(options.num_images, options.calibration.fit.seed);
  if (options.dry_run) {
    print_plan(options, targets, model, samples.size());
    return;
  }
  EvalOptions eval;
  eval.input_shape = options.calibration.input_shape;
  eval.classes = options.images.classes(folder);
  check_labels(model, samples, eval);
  // What the report needs is read now, so that a file that is missing ends the run before it starts.
  const std::vector<std::string> class_names = options.report.page.empty() ? std::vector<std::string>() : options.class_names.names(folder);
  TerminalProgress progress(options.runtime.progress());
  if (options.preprocess_check) {
    guard_preprocess(model, folder, preprocess, eval, options.expected_top1, progress);
  }
  CalibrationOutcome outcome;
  outcome.result = calibrate(model, samples, preprocess, options.calibration, progress);
  outcome.result.recipe.options[kFoldOption] = options.fold ? "true" : "false";
  if (!options.target.empty()) outcome.result.recipe.options["target"] = options.target;
  if (options.noise_dtype == "int16") outcome.result.recipe.options[kNoiseTypeOption] = options.noise_dtype;
  options.storage.record(outcome.result.recipe);
  log_skipped(outcome.result.skipped_images);
  write_results(model, targets, outcome.result);
  try {
    check_written_for(options.target, targets.model);
    measure_written(options, model, targets, samples, preprocess, eval.classes, progress, outcome);
    if (!options.report.page.empty()) {
      write_calibration_report(options, model, targets, folder, samples, preprocess, class_names, outcome.result.recipe, progress);
    }
  } catch (const Error& error) {
    throw error.with_frame(
        fmt::format("after writing '{}' and '{}'", targets.model.string(), targets.recipe.string()));
  }
  if (options.runtime.json)
    print_document(calibration_document(targets, preprocess, outcome));
  else
    print_text(calibration_text(targets, outcome));
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
  command
      .add_option("--report", options->report.page,
                  "Write an HTML page too that shows the written model beside the float one, on the calibration images")
      ->type_name("FILE");
  command.add_option("--report-data", options->report.data, "Write the page's data as JSON too")->type_name("FILE");
  options->class_names.add_to(command, "");
  command.add_flag("-n,--dry-run", options->dry_run, "Check everything and print the plan; write nothing");
  options->images.add_to(command);
  command
      .add_option("--num-images", options->num_images,
                  "Calibrate on that many images, chosen by --seed; 0 for all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group("Images");
  command
      .add_flag(
          "--preprocess-check,!--no-preprocess-check", options->preprocess_check,
          "Where images have labels, stop when the float model is clearly better with another mean and std, "
          "channel order, crop or interpolation (default: on)")
      ->group("Images");
  add_fraction_option(command, "--expected-top1", options->expected_top1,
                      "Top-1 of the float model as its model card says; stop when labelled images speak against it")
      ->group("Images");
  add_calibration_options(command, options->calibration);
  add_selection_options(command, options->calibration.selection);
  command
      .add_flag("--fold,!--no-fold", options->fold,
                "Fold the noisy bias into what feeds the layer where that is exact")
      ->group("Quantization");
  command
      .add_option(
          "--noise-dtype", options->noise_dtype,
          "Type of the noisy and denoising biases that are stored: int16 codes with a scale of their own")
      ->check(CLI::IsMember({"float32", "int16"}))
      ->capture_default_str()
      ->group("Quantization");
  options->storage.add_to(command);
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
