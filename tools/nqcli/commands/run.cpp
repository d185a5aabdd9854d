#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "document.hpp"
#include "nq/error.hpp"
#include "nq/run_model.hpp"
#include "nq/tensor_file.hpp"
#include "options/kernel_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "output_check.hpp"

namespace nq {
namespace {

namespace fs = std::filesystem;

struct RunCommandOptions {
  ModelOptions model;
  std::vector<std::string> inputs;
  fs::path output_dir;
  KernelChoice kernels = KernelChoice::automatic;
  RuntimeOptions runtime;
};

/// One model input and the file that holds its value.
struct InputFile {
  std::string name;
  fs::path path;
};

bool is_input_name(const Graph& graph, const std::string& word) {
  return std::any_of(graph.inputs.begin(), graph.inputs.end(),
                     [&](ValueId id) { return graph.value(id).name == word; });
}

/// "name=file" goes to that input, a bare file to the first input that has none yet, in graph order.
std::vector<InputFile> assign_inputs(const Graph& graph, const std::vector<std::string>& words) {
  std::map<std::string, fs::path> named;
  std::vector<fs::path> bare;
  for (const std::string& word : words) {
    const std::size_t split = word.find('=');
    if (split == std::string::npos || !is_input_name(graph, word.substr(0, split))) {
      bare.emplace_back(word);
    } else if (!named.emplace(word.substr(0, split), word.substr(split + 1)).second) {
      throw Error(ErrorKind::usage, fmt::format("model input '{}' is given twice", word.substr(0, split)));
    }
  }
  std::vector<InputFile> files;
  auto next_bare = bare.begin();
  for (const ValueId id : graph.inputs) {
    const std::string& name = graph.value(id).name;
    const auto given = named.find(name);
    if (given != named.end())
      files.push_back({name, given->second});
    else if (next_bare != bare.end())
      files.push_back({name, *next_bare++});
    else
      throw Error(ErrorKind::usage, fmt::format("model input '{}' is not given", name));
  }
  if (next_bare != bare.end()) {
    throw Error(ErrorKind::usage, fmt::format("'{}' is one input too many: the model has {}",
                                              next_bare->string(), graph.inputs.size()));
  }
  return files;
}

/// The name with every byte that is unsafe in a file name replaced, made unique among `taken`.
std::string safe_file_stem(const std::string& name, std::set<std::string>& taken) {
  std::string stem;
  for (const char c : name) {
    const bool safe = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' ||
                      (c == '.' && !stem.empty());
    stem += safe ? c : '_';
  }
  if (stem.empty()) stem = "output";
  std::string unique = stem;
  for (int suffix = 2; !taken.insert(unique).second; ++suffix) unique = fmt::format("{}_{}", stem, suffix);
  return unique;
}

/// One file per graph output, in the format of the first input.
std::vector<fs::path> output_files(const Graph& graph, const RunCommandOptions& options,
                                   const std::vector<InputFile>& inputs) {
  const std::string extension = inputs.empty() ? ".npy" : inputs.front().path.extension().string();
  std::set<std::string> taken;
  std::vector<fs::path> files;
  for (const ValueId id : graph.outputs) {
    files.push_back(options.output_dir / (safe_file_stem(graph.value(id).name, taken) + extension));
  }
  return files;
}

/// Checks the output folder, or the place where it will be made, and every output file.
void check_outputs(const RunCommandOptions& options, const std::vector<fs::path>& files,
                   const std::vector<InputFile>& inputs) {
  if (!fs::exists(options.output_dir)) {
    const fs::path folder =
        options.output_dir.has_filename() ? options.output_dir : options.output_dir.parent_path();
    check_output(folder, {});
    return;
  }
  if (!fs::is_directory(options.output_dir)) {
    throw Error(ErrorKind::input, fmt::format("'{}' is not a folder", options.output_dir.string()));
  }
  std::vector<fs::path> sources{options.model.path};
  for (const InputFile& input : inputs) sources.push_back(input.path);
  for (const fs::path& file : files) check_output(file, sources);
}

std::map<std::string, Tensor> load_inputs(const std::vector<InputFile>& files) {
  std::map<std::string, Tensor> tensors;
  for (const InputFile& file : files) tensors.emplace(file.name, load_tensor(file.path));
  return tensors;
}

void create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw Error(ErrorKind::input,
                fmt::format("cannot make folder '{}': {}", folder.string(), error.message()));
  }
}

void run_run(const RunCommandOptions& options) {
  options.runtime.apply();
  const ModelFile model = options.model.load();
  const Graph graph = model.to_graph();
  const std::vector<InputFile> inputs = assign_inputs(graph, options.inputs);
  const std::vector<fs::path> files = output_files(graph, options, inputs);
  check_outputs(options, files, inputs);
  const std::vector<Tensor> results = run_model(graph, load_inputs(inputs), options.kernels);
  create_folder(options.output_dir);
  Json document = new_document("run");
  document["model"] = options.model.path.string();
  document["outputs"] = Json::array();
  std::string text;
  for (std::size_t k = 0; k < results.size(); ++k) {
    const std::string& name = graph.value(graph.outputs[k]).name;
    save_tensor(files[k], results[k]);
    document["outputs"].push_back({{"name", name},
                                   {"dtype", to_string(results[k].dtype())},
                                   {"shape", json_shape(results[k].shape())},
                                   {"file", files[k].string()}});
    text += fmt::format("{}  {}  {}\n", name, to_string(results[k].type()), files[k].string());
  }
  if (options.runtime.json)
    print_document(document);
  else
    print_text(text);
}

}  // namespace

void add_run(CLI::App& app) {
  auto options = std::make_shared<RunCommandOptions>();
  CLI::App& command = *app.add_subcommand("run", "Run a model once on tensors from files");
  options->model.add_to(command);
  command
      .add_option("--input", options->inputs,
                  "Tensors (.npy or ONNX TensorProto .pb) in the order of the graph inputs, or name=file")
      ->type_name("FILE|NAME=FILE")
      ->take_all();
  command
      .add_option("--output-dir", options->output_dir,
                  "Folder for the outputs, named after the graph outputs, in the format of the first input")
      ->required()
      ->type_name("DIR");
  add_kernel_option(command, options->kernels);
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli run vit.onnx --input images.npy --output-dir out/");
  command.callback([options] { run_run(*options); });
}

}  // namespace nq
