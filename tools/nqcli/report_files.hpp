#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "nq/report.hpp"

namespace nq {

/// The recipe that a quantized file was written from: <file>.recipe.json beside it, when it is there, belongs to
/// `reference` and says what the file's metadata says. Logs why one that is there is not used.
std::optional<Recipe> find_recipe(const ModelFile& model, const ModelFile& reference);

/// What figures call the models: their file names without extension, numbered where they are the same.
std::vector<std::string> model_labels(const std::vector<std::filesystem::path>& paths);

/// Where a report goes.
struct ReportFiles {
  std::filesystem::path page;  ///< empty: no report
  std::filesystem::path data;  ///< empty: no JSON file
};

/// Refuses files that would replace `inputs` or each other, and data without a page. Throws Error(usage).
void check_report_files(const ReportFiles& files, std::vector<std::filesystem::path> inputs);

/// Writes the page, and the JSON beside it when asked for.
void write_report(const Report& report, const ReportFiles& files);

}  // namespace nq
