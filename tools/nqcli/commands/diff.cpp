#include "nq/diff.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "document.hpp"
#include "options/runtime_options.hpp"

namespace nq {
namespace {

constexpr std::size_t kMaxText = 100;  ///< characters of a value in the text form

struct DiffCommandOptions {
  std::filesystem::path first;
  std::filesystem::path second;
  RuntimeOptions runtime;
};

Json json_differences(const std::vector<Difference>& differences) {
  Json list = Json::array();
  for (const Difference& item : differences) {
    list.push_back({{"where", item.where}, {"what", item.what}, {"first", item.first}, {"second", item.second}});
  }
  return list;
}

std::string shortened(const std::string& text) {
  if (text.empty()) return "(none)";
  return text.size() <= kMaxText ? text : text.substr(0, kMaxText) + "...";
}

std::string differences_text(const std::vector<Difference>& differences) {
  std::string text;
  for (const Difference& item : differences) {
    text += fmt::format("{}{}{}: {} | {}\n", item.where, item.where.empty() ? "" : ": ", item.what, shortened(item.first),
                        shortened(item.second));
  }
  return text;
}

void run_diff(const DiffCommandOptions& options) {
  options.runtime.apply();
  const ModelDifference result = diff(ModelFile::load(options.first), ModelFile::load(options.second));
  if (options.runtime.json) {
    Json document = new_document("diff");
    document["first"] = options.first.string();
    document["second"] = options.second.string();
    document["same"] = result.same();
    document["products"] = result.products;
    document["equal_products"] = result.equal_products;
    document["file"] = json_differences(result.file);
    document["quantization"] = json_differences(result.quantization);
    document["graph"] = json_differences(result.graph);
    print_document(document);
    return;
  }
  print_text(differences_text(result.file) + differences_text(result.graph) + differences_text(result.quantization) +
             fmt::format("{} of {} products that both have are quantized alike\n", result.equal_products, result.products));
}

}  // namespace

void add_diff(CLI::App& app) {
  auto options = std::make_shared<DiffCommandOptions>();
  CLI::App& command = *app.add_subcommand("diff", "Compare scales, bits, codes and graph of two quantized files");
  command.add_option("FIRST", options->first, "ONNX file, of any tool")->required()->type_name("");
  command.add_option("SECOND", options->second, "ONNX file to compare with it")->required()->type_name("");
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli diff vit_w6a6.onnx vit_w8a8.onnx");
  command.callback([options] { run_diff(*options); });
}

}  // namespace nq
