// Runs folders in the ONNX backend-test layout (model.onnx, test_data_set_N/input_K.pb, output_K.pb).

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <map>

#include "compare.hpp"
#include "nq/error.hpp"
#include "nq/model_file.hpp"
#include "nq/onnx_limits.hpp"
#include "nq/run_model.hpp"
#include "nq/tensor_file.hpp"

namespace {

namespace fs = std::filesystem;
using nq::conformance::Tolerance;

struct Counts {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
};

std::vector<fs::path> cases_under(const fs::path& root) {
  if (fs::exists(root / "model.onnx")) return {root};
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_directory() && fs::exists(entry.path() / "model.onnx")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<nq::Tensor> load_tensors(const fs::path& folder, const std::string& prefix) {
  std::vector<nq::Tensor> tensors;
  for (int k = 0;; ++k) {
    const fs::path file = folder / fmt::format("{}_{}.pb", prefix, k);
    if (!fs::exists(file)) return tensors;
    tensors.push_back(nq::load_tensor(file));
  }
}

/// How every case is run; set once from the command line.
nq::KernelChoice kernel_choice = nq::KernelChoice::automatic;

std::vector<nq::Tensor> run_on(const nq::Graph& graph, const std::vector<nq::Tensor>& inputs) {
  std::map<std::string, nq::Tensor> by_name;
  for (std::size_t k = 0; k < graph.inputs.size() && k < inputs.size(); ++k) {
    by_name.emplace(graph.value(graph.inputs[k]).name, inputs[k]);
  }
  return nq::run_model(graph, by_name, kernel_choice);
}

/// Empty on success, else the first difference.
std::string run_case(const nq::ModelFile& model, const fs::path& folder, const Tolerance& tolerance) {
  const nq::Graph graph = model.to_graph();
  for (int set = 0; fs::exists(folder / fmt::format("test_data_set_{}", set)); ++set) {
    const fs::path data = folder / fmt::format("test_data_set_{}", set);
    const auto actual = run_on(graph, load_tensors(data, "input"));
    const auto expected = load_tensors(data, "output");
    if (expected.size() > actual.size()) return "too few outputs";
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const std::string text = nq::conformance::difference(actual[k], expected[k], tolerance);
      if (!text.empty()) return fmt::format("output {}: {}", k, text);
    }
  }
  return {};
}

void report(const fs::path& folder, const Tolerance& tolerance, Counts& counts) {
  const std::string name = folder.filename().string();
  try {
    const nq::ModelFile model = nq::ModelFile::load(folder / "model.onnx");
    const auto limits = nq::limits_of(model);
    if (!limits.empty()) {
      ++counts.skipped;
      fmt::print("SKIP {}: {}: {}\n", name, limits.front().feature, limits.front().reason);
      return;
    }
    const std::string difference = run_case(model, folder, tolerance);
    difference.empty() ? ++counts.passed : ++counts.failed;
    if (difference.empty()) fmt::print("PASS {}\n", name);
    else fmt::print("FAIL {}: {}\n", name, difference);
  } catch (const nq::Error& error) {
    ++counts.failed;
    fmt::print("FAIL {}: {}\n", name, error.full_text());
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs ONNX backend tests: folders with model.onnx and test_data_set_N."};
  std::vector<fs::path> roots;
  Tolerance tolerance;
  app.add_option("dirs", roots, "Case folders, or folders of case folders")->required()->check(CLI::ExistingDirectory);
  app.add_option("--rtol", tolerance.rtol, "Relative tolerance of float results")->capture_default_str();
  app.add_option("--atol", tolerance.atol, "Absolute tolerance of float results")->capture_default_str();
  std::string kernels = "auto";
  app.add_option("--kernels", kernels, "auto or reference")->check(CLI::IsMember({"auto", "reference"}))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (kernels == "reference") kernel_choice = nq::KernelChoice::reference;
  Counts counts;
  for (const fs::path& root : roots) {
    for (const fs::path& folder : cases_under(root)) report(folder, tolerance, counts);
  }
  fmt::print("{} passed, {} failed, {} skipped\n", counts.passed, counts.failed, counts.skipped);
  return counts.failed == 0 && counts.passed + counts.skipped > 0 ? 0 : 1;
}
