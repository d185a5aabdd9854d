#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "document.hpp"
#include "nq/calibrate.hpp"
#include "options/runtime_options.hpp"
#include "output_check.hpp"
#include "table.hpp"

namespace nq {
namespace {

struct StatsShowOptions {
  std::filesystem::path file;
  RuntimeOptions runtime;
};

struct StatsMergeOptions {
  std::vector<std::filesystem::path> parts;
  std::filesystem::path output;
  RuntimeOptions runtime;
};

Json json_summary(const std::filesystem::path& path, const StatisticsSummary& summary) {
  Json document = new_document("stats");
  document["file"] = path.string();
  document["file_bytes"] = std::filesystem::file_size(path);
  document["model_sha256"] = summary.model_sha256;
  document["images"] = summary.images;
  document["image_list_sha256"] = summary.image_list_sha256;
  document["capacity"] = summary.capacity;
  document["preprocess"] = Json::parse(summary.preprocess);
  document["layers"] = Json::array();
  for (const auto& layer : summary.layers) {
    document["layers"].push_back({{"origins", layer.origins},
                                  {"c_in", layer.c_in},
                                  {"tokens", layer.tokens},
                                  {"rows", layer.rows},
                                  {"readout_rows", layer.readout_rows},
                                  {"min", layer.low},
                                  {"max", layer.high}});
  }
  document["selection"] = summary.selection;
  document["products"] = Json::array();
  for (const auto& product : summary.products) {
    document["products"].push_back({{"scores", product.scores},
                                    {"values", product.values},
                                    {"heads", product.heads},
                                    {"queries", product.queries},
                                    {"keys", product.keys},
                                    {"instances", product.instances},
                                    {"rows", product.rows}});
  }
  return document;
}

std::string product_table(const StatisticsSummary& summary) {
  if (summary.products.empty()) return {};
  Table table({{"attention"}, {"heads", true}, {"queries", true}, {"keys", true}, {"instances", true}, {"rows of each", true}});
  for (const auto& product : summary.products) {
    table.add_row({product.scores + ", " + product.values, std::to_string(product.heads), std::to_string(product.queries),
                   std::to_string(product.keys), std::to_string(product.instances), std::to_string(product.rows)});
  }
  return "\n" + table.text();
}

void print_summary(const std::filesystem::path& path, const RuntimeOptions& runtime) {
  const StatisticsSummary summary = summarize_statistics(path);
  if (runtime.json) {
    print_document(json_summary(path, summary));
    return;
  }
  Table table({{"layer"}, {"c_in", true}, {"tokens", true}, {"rows", true}, {"read rows", true}, {"min", true}, {"max", true}});
  for (const auto& layer : summary.layers) {
    table.add_row({fmt::format("{}", fmt::join(layer.origins, ", ")), std::to_string(layer.c_in),
                   std::to_string(layer.tokens), std::to_string(layer.rows), std::to_string(layer.readout_rows),
                   fmt::format("{:.4g}", layer.low), fmt::format("{:.4g}", layer.high)});
  }
  print_text(fmt::format("{}{}\nmodel      sha256 {}\nimages     {} (list sha256 {})\nlayers     {}\n", table.text(),
                         product_table(summary), summary.model_sha256, summary.images, summary.image_list_sha256,
                         summary.selection));
}

void run_show(const StatsShowOptions& options) {
  options.runtime.apply();
  print_summary(options.file, options.runtime);
}

void run_merge(const StatsMergeOptions& options) {
  options.runtime.apply();
  check_output(options.output, options.parts);
  merge_statistics(options.parts, options.output);
  print_summary(options.output, options.runtime);
}

}  // namespace

void add_stats(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("stats", "Show or merge statistics of calibrate --save-stats");
  command.require_subcommand(1);
  auto show = std::make_shared<StatsShowOptions>();
  CLI::App& show_command = *command.add_subcommand("show", "Images, layers and kept rows of a statistics file");
  show_command.add_option("file", show->file, "Statistics file")->required()->type_name("FILE");
  show->runtime.add_to(show_command);
  show_command.callback([show] { run_show(*show); });

  auto merge = std::make_shared<StatsMergeOptions>();
  CLI::App& merge_command = *command.add_subcommand(
      "merge", "Statistics of the images of several files: the bytes that one run over all would give");
  merge_command.add_option("files", merge->parts, "Statistics files")->required()->type_name("FILE");
  merge_command.add_option("-o,--output", merge->output, "Merged statistics")->required()->type_name("FILE");
  merge->runtime.add_to(merge_command);
  merge_command.callback([merge] { run_merge(*merge); });
  command.footer("\nExample:\n  nqcli stats merge a.stats b.stats -o all.stats");
}

}  // namespace nq
