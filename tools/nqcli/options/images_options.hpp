#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "nq/batch_loader.hpp"
#include "nq/class_view.hpp"
#include "nq/image_folder.hpp"
#include "nq/model_file.hpp"
#include "nq/preprocess.hpp"

namespace nq {

/// Where images come from and how they become model inputs.
struct ImagesOptions {
  std::filesystem::path folder;
  std::optional<std::filesystem::path> labels;
  std::optional<std::filesystem::path> synset;
  std::optional<std::filesystem::path> label_map;
  std::optional<std::int64_t> class_offset;
  std::optional<std::filesystem::path> class_map;
  std::optional<std::string> preprocess;
  std::string bad_images = "fail";

  void add_to(CLI::App& command);
  /// Opens the folder and logs what was found.
  ImageFolder open() const;
  /// Which outputs are the classes of the folder's labels. Throws as ClassView.
  ClassView classes(const ImageFolder& images) const;
  /// The preprocessing for `model`, logged.
  Preprocess resolve(const ModelFile& model, const std::optional<Shape>& input_shape) const;
  /// The same for two models that see the same images: what the first has none of is taken from the second.
  Preprocess resolve(const ModelFile& model, const ModelFile& other, const std::optional<Shape>& input_shape) const;
  BadImages bad_image_policy() const { return bad_images == "skip" ? BadImages::skip : BadImages::fail; }
};

/// Adds --limit and --seed, which choose some of the images.
void add_limit_options(CLI::App& command, std::int64_t& limit, std::uint64_t& seed,
                       const std::string& seed_help = "Seed of the choice of images");

/// Logs every image that was left out.
void log_skipped(const std::vector<SkippedImage>& skipped);

}  // namespace nq
