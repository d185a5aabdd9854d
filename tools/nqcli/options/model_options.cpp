#include "options/model_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

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
}

ModelFile ModelOptions::load() const { return load_runnable(path); }

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
  throw Error(ErrorKind::unsupported,
              fmt::format("'{}' has {} {} that cannot run: {}", path.string(), unsupported.size(),
                          unsupported.size() == 1 ? "node" : "nodes", fmt::join(unsupported, "; ")),
              "see docs/onnx_support.md");
}

}  // namespace nq
