#include "nq/plot.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "document.hpp"
#include "nq/error.hpp"
#include "nq/number_text.hpp"
#include "nq/output_file.hpp"
#include "nq/report_page.hpp"
#include "options/runtime_options.hpp"
#include "output_check.hpp"

namespace nq {
namespace {

const std::map<std::string, PlotFigure> kFigures = {{"mse", PlotFigure::mse},       {"scores", PlotFigure::scores},
                                                    {"site", PlotFigure::site},     {"layers", PlotFigure::layers},
                                                    {"curve", PlotFigure::curve},   {"noise", PlotFigure::noise}};

struct PlotCommandOptions {
  std::filesystem::path report;
  std::string figure = "mse";
  PlotOptions plot;
  std::filesystem::path output;
  bool term = false;
  RuntimeOptions runtime;
};

std::string drawn(const Report& report, const PlotCommandOptions& options) {
  const std::string extension = options.output.extension().string();
  if (extension == ".svg") return plot_svg(report, options.plot);
  if (extension == ".png") return plot_png(report, options.plot);
  throw Error(ErrorKind::usage, fmt::format("'{}' ends in neither .svg nor .png", options.output.string()),
              "the ending says what is written");
}

void run_plot(PlotCommandOptions options) {
  options.runtime.apply();
  options.plot.figure = kFigures.at(options.figure);
  if (options.output.empty() && !options.term) throw Error(ErrorKind::usage, "nothing to draw on", "give -o FILE.svg, -o FILE.png or --term");
  if (!options.output.empty()) check_output(options.output, {options.report});
  const Report report = load_report(options.report);
  if (!options.output.empty()) write_file_atomically(options.output, drawn(report, options));
  if (options.runtime.json) {
    Json document = new_document("plot");
    document["figure"] = options.figure;
    document["output"] = options.output.empty() ? Json() : Json(options.output.string());
    print_document(document);
    return;
  }
  std::string text = options.term ? plot_text(report, options.plot) : "";
  if (!options.output.empty()) {
    text += fmt::format("wrote      {} ({})\n", options.output.string(), bytes_text(std::filesystem::file_size(options.output)));
  }
  print_text(text);
}

}  // namespace

void add_plot(CLI::App& app) {
  auto options = std::make_shared<PlotCommandOptions>();
  CLI::App& command = *app.add_subcommand("plot", "Draw one figure of a report as SVG, as PNG, or in the terminal");
  command.add_option("REPORT", options->report, "Page or JSON file that report wrote")->required()->type_name("");
  command
      .add_option("--figure", options->figure,
                  "mse: logit error of the models; scores: one image over the classes; site: input and output of a layer; "
                  "layers: error of all layers; curve: loss over the search's candidates; noise: noisy bias per channel")
      ->check(CLI::IsMember({"mse", "scores", "site", "layers", "curve", "noise"}))
      ->capture_default_str();
  command.add_option("--site", options->plot.site, "Layer, by name or by number from 0; default: the one with the largest own error")
      ->type_name("NAME");
  command.add_option("--image", options->plot.image, "Image, by name; default: the first that has scores")->type_name("NAME");
  command.add_flag("--log", options->plot.log, "Histograms on a logarithmic scale");
  command.add_flag("--accumulated", options->plot.accumulated, "Layers with the error that they inherit");
  command.add_flag("--dark", options->plot.dark, "Light on dark");
  command.add_option("--width", options->plot.width, "In pixels; a PNG has twice as many")
      ->check(CLI::Range(200.0, 8000.0))
      ->capture_default_str();
  command.add_option("--height", options->plot.height, "Of one row of figures, likewise")
      ->check(CLI::Range(150.0, 8000.0))
      ->capture_default_str();
  command.add_option("-o,--output", options->output, "File ending in .svg or .png")->type_name("FILE");
  command.add_flag("--term", options->term, "Print a sketch");
  options->runtime.add_to(command);
  command.footer("\nExamples:\n  nqcli plot report.html --figure scores -o scores.svg\n  nqcli plot report.json --figure site --site 7 --term");
  command.callback([options] { run_plot(*options); });
}

}  // namespace nq
