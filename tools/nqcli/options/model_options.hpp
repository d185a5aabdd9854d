#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <vector>

#include "nq/model_file.hpp"

namespace nq {

/// The model argument, and which input and output of it count.
struct ModelOptions {
  std::filesystem::path path;
  std::vector<std::int64_t> input_dims;
  GraphChoice choice;

  void add_to(CLI::App& command);
  void add_input_shape_to(CLI::App& command);
  /// Throws as ModelFile::load, and Error(unsupported) listing every operator that cannot run.
  ModelFile load() const;
  /// As load(), without looking at operators.
  ModelFile load_any() const;
  std::optional<Shape> input_shape() const;
};

/// Loads a model that is going to run. Throws as ModelFile::load, and Error(unsupported) listing every
/// operator that cannot run.
ModelFile load_runnable(const std::filesystem::path& path);

/// Throws Error(unsupported) naming every node of the list, unless it is empty.
void check_runnable(const std::filesystem::path& path, const std::vector<std::string>& unsupported);

}  // namespace nq
