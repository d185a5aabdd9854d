#include "nq/report.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "document.hpp"
#include "log_output.hpp"
#include "nq/error.hpp"
#include "nq/number_text.hpp"
#include "nq/report_page.hpp"
#include "options/class_names_option.hpp"
#include "options/images_options.hpp"
#include "options/kernel_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "report_files.hpp"
#include "table.hpp"

namespace nq {
namespace {

struct ReportCommandOptions {
  ModelOptions reference;
  std::vector<std::filesystem::path> models;
  std::vector<std::string> labels;
  ImagesOptions images;
  ClassNamesOption class_names;
  std::int64_t limit = 0;
  std::int64_t layer_images = 16;
  std::uint64_t seed = 0;
  bool layers = true;
  ReportFiles files;
  ReportOptions report;
  RuntimeOptions runtime;
};

std::vector<std::string> chosen_labels(const ReportCommandOptions& options) {
  std::vector<std::filesystem::path> paths{options.reference.path};
  paths.insert(paths.end(), options.models.begin(), options.models.end());
  if (options.labels.empty()) return model_labels(paths);
  if (options.labels.size() != paths.size()) {
    throw Error(ErrorKind::usage, fmt::format("{} labels for {} models, the reference included", options.labels.size(), paths.size()),
                "give --label once for the reference and once for every --model, in their order");
  }
  return options.labels;
}

void check_outputs(const ReportCommandOptions& options) {
  std::vector<std::filesystem::path> inputs = options.models;
  inputs.push_back(options.reference.path);
  check_report_files(options.files, inputs);
}

/// The rows of the supplement's Table 1.
std::string summary_text(const Report& report, const ReportFiles& files) {
  Table table({{"model"}, {"top-1", true}, {"logit MSE", true}, {"reduction", true}, {"agreement", true}});
  const auto top1 = [](const ReportModel& model) { return model.eval.labelled > 0 ? percent_text(model.eval.top1()) : "-"; };
  table.add_row({report.reference.label, top1(report.reference), "-", "-", "-"});
  for (std::size_t k = 0; k < report.models.size(); ++k) {
    const ReportModel& model = report.models[k];
    const auto reduction = report.reduction(k);
    table.add_row({model.label, top1(model), fmt::format("{:.6g}", model.eval.reference->logit_mse),
                   reduction ? fmt::format("{:.1f} %", 100 * *reduction) : "-", percent_text(model.eval.reference->agreement)});
  }
  std::string text = table.text() + fmt::format("\nimages     {}, {} for the layers\nwrote      {} ({})\n", report.images,
                                                report.layer_images, files.page.string(),
                                                bytes_text(std::filesystem::file_size(files.page)));
  if (!files.data.empty()) text += fmt::format("wrote      {}\n", files.data.string());
  return text;
}

Report build_report(ReportCommandOptions& options) {
  const ModelFile reference = options.reference.load();
  options.report.input_shape = options.reference.input_shape();
  options.report.bad_images = options.images.bad_image_policy();
  const std::vector<std::string> labels = chosen_labels(options);
  std::vector<ModelFile> models;
  for (const auto& path : options.models) models.push_back(load_runnable(path).read_as(options.reference.choice));
  std::vector<ReportSubject> subjects;
  for (std::size_t k = 0; k < models.size(); ++k) subjects.push_back({labels[k + 1], &models[k], find_recipe(models[k], reference)});
  const Preprocess preprocess = options.images.resolve(reference, models.front(), options.report.input_shape);
  const ImageFolder folder = options.images.open();
  options.report.classes = options.images.classes(folder);
  ReportImages images{folder.select(options.limit, options.seed), {}};
  if (options.layers) images.layers = folder.select(options.layer_images, options.seed);
  const std::vector<std::string> class_names = options.class_names.names(folder);
  TerminalProgress progress(options.runtime.progress());
  Report report = make_report({labels.front(), &reference, std::nullopt}, subjects, images, preprocess, options.report, progress);
  report.label_source = folder.label_source();
  report.class_names = class_names;
  return report;
}

void run_report(ReportCommandOptions options) {
  options.runtime.apply();
  check_outputs(options);
  const Report report = build_report(options);
  log_skipped(report.skipped_images);
  write_report(report, options.files);
  if (options.runtime.json)
    print_document(Json::parse(report_to_json(report)));
  else
    print_text(summary_text(report, options.files));
}

void add_content_options(CLI::App& command, ReportCommandOptions& options) {
  constexpr const char* kGroup = "Content";
  command
      .add_option("--label", options.labels, "What figures call a model: once for the reference, then for every --model. Default: file names")
      ->type_name("TEXT")
      ->group(kGroup);
  command.add_flag("--layers,!--no-layers", options.layers, "Open the layers (default: on)")->group(kGroup);
  command
      .add_option("--layer-images", options.layer_images, "Images for errors and distributions of layers, chosen by --seed; 0 for all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--pictures", options.report.pictures, "Images shown with picture and scores, the worst first")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{200}))
      ->capture_default_str()
      ->group(kGroup);
  command.add_option("--show", options.report.show, "Show this image too; may be repeated")->type_name("NAME")->group(kGroup);
  command.add_option("--worst", options.report.worst, "Images listed")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{10000}))
      ->capture_default_str()
      ->group(kGroup);
  options.class_names.add_to(command, kGroup);
  command
      .add_flag("--speed", options.report.speed,
                "Measure the time per image of every model. Without it two runs write the same bytes")
      ->group(kGroup);
  command.add_option("--confidence", options.report.confidence, "Of the intervals")
      ->check(CLI::Range(0.5, 0.9999))
      ->capture_default_str()
      ->group(kGroup);
}

}  // namespace

void add_report(CLI::App& app) {
  auto options = std::make_shared<ReportCommandOptions>();
  CLI::App& command = *app.add_subcommand("report", "Show models beside the float one in a single HTML page: accuracy, scores, layers");
  command.add_option("--reference", options->reference.path, "Float model")->required()->type_name("MODEL");
  command.add_option("--model", options->models, "Model that is compared with it; may be repeated")->required()->type_name("MODEL");
  command.add_option("-o,--output", options->files.page, "The page")->required()->type_name("FILE");
  command.add_option("--data", options->files.data, "Write the page's data as JSON too")->type_name("FILE");
  options->reference.add_input_shape_to(command);
  options->images.add_to(command);
  add_limit_options(command, options->limit, options->seed);
  add_content_options(command, *options);
  add_kernel_option(command, options->report.kernels);
  options->runtime.add_to(command);
  command.footer(
      "\nThe recipe beside a model (<model>.recipe.json) adds the losses and curves of its search.\n"
      "\nExample:\n  nqcli report --reference vit.onnx --model easy.onnx --model noisy.onnx --images val/ -o report.html");
  command.callback([options] { run_report(*options); });
}

}  // namespace nq
