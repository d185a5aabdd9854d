#include "nq/verify.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "document.hpp"
#include "nq/error.hpp"
#include "onnxruntime_probe.hpp"
#include "options/runtime_options.hpp"
#include "table.hpp"

namespace nq {
namespace {

struct VerifyCommandOptions {
  std::filesystem::path model;
  std::string target = "portable";
  bool ask_onnxruntime = false;
  RuntimeOptions runtime;
};

/// A verification, and what ONNX Runtime says of it when it was asked.
struct Outcome {
  Verification verification;
  std::optional<OnnxRuntimeAnswer> answer;
  std::vector<RuntimeVerdict> runtime;  ///< one per product, when there is an answer
  std::int64_t disagreements = 0;
};

/// A folder for one file, removed with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nqcli_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw Error(ErrorKind::input, "cannot make a temporary folder");
    path_ = pattern;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void ask_onnxruntime(const std::filesystem::path& model, Outcome& outcome) {
  const ScratchFolder folder;
  const std::filesystem::path optimized = folder.path() / "optimized.onnx";
  outcome.answer = optimize_with_onnxruntime(model, optimized);
  if (!outcome.answer->available) return;
  outcome.runtime = read_optimized_graph(ModelFile::load(optimized), outcome.verification);
  for (std::size_t k = 0; k < outcome.runtime.size(); ++k) {
    outcome.disagreements += outcome.runtime[k].int8_kernel != outcome.verification.products[k].int8_kernel ? 1 : 0;
  }
}

Json json_report(const VerifyCommandOptions& options, const Outcome& outcome) {
  const Verification& result = outcome.verification;
  Json document = new_document("verify");
  document["model"] = options.model.string();
  document["target"] = to_string(result.target);
  document["passed"] = result.passed() && outcome.disagreements == 0;
  document["opset"] = result.opset;
  document["ir_version"] = result.ir_version;
  document["quantized"] = result.num_quantized();
  document["int8"] = result.num_int8();
  document["products"] = Json::array();
  for (std::size_t k = 0; k < result.products.size(); ++k) {
    const ProductVerdict& product = result.products[k];
    Json item = {{"name", product.name},
                 {"origin", product.origin},
                 {"operator", product.op_type},
                 {"quantized", product.quantized},
                 {"int8", product.int8_kernel},
                 {"reason", product.reason.empty() ? Json() : Json(product.reason)},
                 {"int16_saturation", to_string(product.saturation)},
                 {"largest_pair_sum", product.largest_pair_sum > 0 ? Json(product.largest_pair_sum) : Json()}};
    if (!outcome.runtime.empty()) {
      item["onnxruntime_operator"] = outcome.runtime[k].operator_found;
      item["onnxruntime_int8"] = outcome.runtime[k].int8_kernel;
    }
    document["products"].push_back(std::move(item));
  }
  document["findings"] = Json::array();
  for (const Finding& finding : result.findings) {
    document["findings"].push_back({{"severity", finding.severity == Severity::error ? "error" : "warning"},
                                    {"node", finding.node},
                                    {"message", finding.message}});
  }
  document["onnxruntime"] = nullptr;
  if (outcome.answer) {
    document["onnxruntime"] = {{"available", outcome.answer->available},
                               {"version", outcome.answer->version},
                               {"reason", outcome.answer->available ? Json() : Json(outcome.answer->reason)},
                               {"disagreements", outcome.disagreements}};
  }
  return document;
}

std::string saturation_text(const ProductVerdict& product) {
  if (product.saturation == Saturation::unknown) return "-";
  return fmt::format("{} ({})", to_string(product.saturation), product.largest_pair_sum);
}

std::string products_text(const Outcome& outcome) {
  std::vector<Table::Column> columns = {{"product"}, {"verdict"}, {"int16 pair sums"}};
  if (!outcome.runtime.empty()) columns.push_back({"ONNX Runtime"});
  Table table(std::move(columns));
  for (std::size_t k = 0; k < outcome.verification.products.size(); ++k) {
    const ProductVerdict& product = outcome.verification.products[k];
    std::vector<std::string> row = {product.name,
                                    product.int8_kernel ? "int8 kernel" : fmt::format("float, because {}", product.reason),
                                    saturation_text(product)};
    if (!outcome.runtime.empty()) {
      const RuntimeVerdict& found = outcome.runtime[k];
      const bool agrees = found.int8_kernel == product.int8_kernel;
      row.push_back(fmt::format("{}{}", found.operator_found.empty() ? "(another form)" : found.operator_found,
                                agrees ? "" : "  DISAGREES"));
    }
    table.add_row(std::move(row));
  }
  return table.text();
}

std::string report_text(const Outcome& outcome) {
  const Verification& result = outcome.verification;
  std::string text = products_text(outcome) + "\n";
  for (const Finding& finding : result.findings) {
    text += fmt::format("{}: {}{}{}\n", finding.severity == Severity::error ? "error" : "warning", finding.node,
                        finding.node.empty() ? "" : ": ", finding.message);
  }
  text += fmt::format("target {}: {} of {} quantized products on int8 kernels, opset {}, IR version {}\n",
                      to_string(result.target), result.num_int8(), result.num_quantized(), result.opset, result.ir_version);
  if (outcome.answer && outcome.answer->available) {
    text += fmt::format("ONNX Runtime {}: {}\n", outcome.answer->version,
                        outcome.disagreements == 0 ? "its optimized graph says the same"
                                                   : fmt::format("{} products differ", outcome.disagreements));
  } else if (outcome.answer) {
    text += fmt::format("ONNX Runtime was not asked: {}\n", outcome.answer->reason);
  }
  return text;
}

void conclude(const Outcome& outcome) {
  const Verification& result = outcome.verification;
  if (result.passed() && outcome.disagreements == 0) return;
  const auto errors = std::count_if(result.findings.begin(), result.findings.end(),
                                    [](const Finding& finding) { return finding.severity == Severity::error; });
  throw Error(ErrorKind::gate,
              fmt::format("target {}: {} of {} quantized products stay float, {} rules are broken, ONNX Runtime disagrees on {}",
                          to_string(result.target), result.num_quantized() - result.num_int8(), result.num_quantized(), errors,
                          outcome.disagreements));
}

void run_verify(const VerifyCommandOptions& options) {
  options.runtime.apply();
  const ModelFile model = ModelFile::load(options.model);
  Outcome outcome;
  outcome.verification = verify(model, target_from(options.target));
  if (options.ask_onnxruntime) ask_onnxruntime(options.model, outcome);
  if (options.runtime.json)
    print_document(json_report(options, outcome));
  else
    print_text(report_text(outcome));
  conclude(outcome);
}

}  // namespace

void add_verify(CLI::App& app) {
  auto options = std::make_shared<VerifyCommandOptions>();
  CLI::App& command = *app.add_subcommand("verify", "Say which products of a file a runtime computes on integers, and why not");
  command.add_option("MODEL", options->model, "ONNX file")->required()->type_name("");
  command.add_option("--target", options->target, "Whose rules; portable: all of them")
      ->check(CLI::IsMember({"portable", "ort-cpu", "tensorrt", "openvino"}))
      ->capture_default_str();
  command.add_flag("--ort", options->ask_onnxruntime,
                   "Ask the installed ONNX Runtime (Python package, NQ_PYTHON or python3) for its optimized graph");
  options->runtime.add_to(command);
  command.footer(
      "\nExit code 5 when a quantized product stays float, a rule is broken, or ONNX Runtime disagrees.\n"
      "\nExample:\n  nqcli verify vit_w6a6.onnx --target ort-cpu --ort");
  command.callback([options] { run_verify(*options); });
}

}  // namespace nq
