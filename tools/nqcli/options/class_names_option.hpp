#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "nq/image_folder.hpp"

namespace nq {

/// How a report calls the classes.
struct ClassNamesOption {
  std::optional<std::filesystem::path> file;

  void add_to(CLI::App& command, const std::string& group);
  /// One per class: from the file, else the folder's synset file, else its class folders; empty for none of them.
  std::vector<std::string> names(const ImageFolder& folder) const;
};

}  // namespace nq
