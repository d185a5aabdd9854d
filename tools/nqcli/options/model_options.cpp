#include "options/model_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "nq/error.hpp"
#include "nq/executor.hpp"

namespace nq {

void ModelOptions::add_to(CLI::App& command) {
  command.add_option("MODEL", path, "ONNX file")->required()->type_name("");
}

void ModelOptions::add_input_shape_to(CLI::App& command) {
  command
      .add_option("--input-shape", input_dims,
                  "Shape of the image input where the model leaves height and width open")
      ->delimiter(',')
      ->expected(4)
      ->type_name("N,C,H,W")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20));
  command.add_option("--input-name", choice.input, "Input that takes the images, of a model with several")->type_name("NAME");
  command
      .add_option("--output-name", choice.output,
                  "Output that counts (the logits), of a model with several; default: the first")
      ->type_name("NAME");
}

ModelFile ModelOptions::load_any() const { return ModelFile::load(path).read_as(choice); }

ModelFile ModelOptions::load() const {
  ModelFile model = load_any();
  check_runnable(path, unsupported_nodes(model.to_graph(), builtin_ops()));
  return model;
}

std::optional<Shape> ModelOptions::input_shape() const {
  if (input_dims.empty()) return std::nullopt;
  return Shape(input_dims);
}

ModelFile load_runnable(const std::filesystem::path& path) {
  ModelFile model = ModelFile::load(path);
  check_runnable(path, unsupported_nodes(model.to_graph(), builtin_ops()));
  return model;
}

void check_runnable(const std::filesystem::path& path, const std::vector<std::string>& unsupported) {
  if (unsupported.empty()) return;
  const bool is_optimized = std::any_of(unsupported.begin(), unsupported.end(), [](const std::string& node) {
    return node.find("com.microsoft") != std::string::npos;
  });
  throw Error(ErrorKind::unsupported,
              fmt::format("'{}' has {} {} that cannot run: {}", path.string(), unsupported.size(),
                          unsupported.size() == 1 ? "node" : "nodes", fmt::join(unsupported, "; ")),
              is_optimized ? "give the model as it was before ONNX Runtime's optimizer, which makes com.microsoft operators"
                           : "see docs/onnx_support.md");
}

}  // namespace nq
