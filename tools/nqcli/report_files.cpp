#include "report_files.hpp"

#include <fmt/format.h>

#include <map>

#include "log_output.hpp"
#include "nq/error.hpp"
#include "nq/output_file.hpp"
#include "nq/report_page.hpp"
#include "output_check.hpp"
#include "output_names.hpp"

namespace nq {

std::optional<Recipe> find_recipe(const ModelFile& model, const ModelFile& reference) {
  const std::filesystem::path path = default_recipe(model.path());
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  const auto refuse = [&](const std::string& why) {
    log_note(fmt::format("'{}' is not used for the report: {}", path.string(), why));
    return std::nullopt;
  };
  try {
    Recipe recipe = load_recipe(path);
    if (recipe.model_sha256 != reference.sha256()) return refuse("it belongs to another float model");
    const bool same_run = model.metadata("nqcli.method") == recipe.method &&
                          model.metadata("nqcli.image_list_sha256") == recipe.image_list_sha256 &&
                          model.metadata("nqcli.seed") == std::to_string(recipe.seed);
    if (!same_run) return refuse("the model was written from another one");
    return recipe;
  } catch (const Error& error) {
    return refuse(error.message());
  }
}

std::vector<std::string> model_labels(const std::vector<std::filesystem::path>& paths) {
  std::map<std::string, int> uses;
  std::vector<std::string> labels;
  for (const auto& path : paths) {
    const std::string stem = path.stem().string();
    const int use = ++uses[stem];
    labels.push_back(use == 1 ? stem : fmt::format("{} ({})", stem, use));
  }
  return labels;
}

void check_report_files(const ReportFiles& files, std::vector<std::filesystem::path> inputs) {
  if (files.page.empty()) {
    if (!files.data.empty()) throw Error(ErrorKind::usage, "--report-data needs --report", "the data is that of the page");
    return;
  }
  check_output(files.page, inputs);
  if (files.data.empty()) return;
  inputs.push_back(files.page);
  check_output(files.data, inputs);
}

void write_report(const Report& report, const ReportFiles& files) {
  write_file_atomically(files.page, report_to_html(report));
  if (!files.data.empty()) write_file_atomically(files.data, report_to_json(report));
}

}  // namespace nq
