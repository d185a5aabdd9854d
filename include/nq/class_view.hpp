#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nq {

/// Which outputs of a classifier stand for the label classes 0, 1, 2, ...
///
/// The default takes every output as a class. With an offset, class k is output k + offset and the outputs
/// before it are no classes (a background class in front). With a map, class k is output map[k] and the others
/// are no classes (an ImageNet-21k head judged on the 1000 classes of ImageNet-1k).
class ClassView {
 public:
  ClassView() = default;
  /// Throws Error(usage) when negative.
  static ClassView with_offset(std::int64_t offset);
  /// Reads a map in one of two forms: line i is the output of class i; or line j begins with the WordNet id of
  /// output j, and line i of `synset` with that of class i. Throws Error(input) naming file and line.
  static ClassView from_file(const std::filesystem::path& path, const std::optional<std::filesystem::path>& synset);

  /// The user said which outputs are the classes.
  bool is_explicit() const noexcept { return is_explicit_; }
  /// "all outputs", "outputs from 1 on", "1000 outputs of 'map.txt'".
  const std::string& text() const noexcept { return text_; }
  /// Class k is output outputs()[k]; empty where a shift says it.
  const std::vector<std::int64_t>& outputs() const noexcept { return outputs_; }
  std::int64_t offset() const noexcept { return offset_; }

  /// Classes of a model with `outputs` outputs. Throws Error(usage) when it has too few for the view.
  std::int64_t num_classes(std::int64_t outputs) const;
  /// The logits of the classes: `logits` itself or a part of it, or gathered into `storage`.
  std::span<const float> select(std::span<const float> logits, std::vector<float>& storage) const;

  /// Refuses a guess: a model with 1001 outputs, or more than 10,000, and labels that all lie below 1000 needs an
  /// explicit view. Throws Error(usage) with the options to choose from.
  void check_labels(std::int64_t outputs, std::int64_t largest_label) const;

 private:
  bool is_explicit_ = false;
  std::int64_t offset_ = 0;
  std::vector<std::int64_t> outputs_;
  std::string text_ = "all outputs";
};

}  // namespace nq
