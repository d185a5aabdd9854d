#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "nq/image_folder.hpp"

namespace nq {

/// Largest class index that is accepted.
inline constexpr std::int64_t kMaxLabel = 10'000'000;

/// Class index per WordNet id or folder name.
using SynsetTable = std::map<std::string, std::int64_t, std::less<>>;

/// Reads lines that begin with an id; line i is class i. Throws Error(input) naming file and line on an
/// empty line before the last, or a repeated id.
SynsetTable read_synset(const std::filesystem::path& path);

/// What the label of an image may be written as: a class index, a WordNet id, or an id of another numbering.
class LabelCodes {
 public:
  /// `synset_file` gives the class of a WordNet id; it is read when the first one is met.
  explicit LabelCodes(std::optional<std::filesystem::path> synset_file = std::nullopt)
      : synset_file_(std::move(synset_file)) {}

  /// Reads the numbering that label files use: lines with an id (a number) and, before or after it, its
  /// WordNet id; or "id index". What follows on a line is ignored. Throws Error(input) naming file and line.
  void read_map(const std::filesystem::path& path);

  bool has_map() const noexcept { return !map_.empty(); }

  /// Class index. Throws Error(input) naming the line.
  std::int64_t resolve(std::string_view text, std::size_t line);

 private:
  std::int64_t class_of_wordnet_id(std::string_view id, std::size_t line);

  std::optional<std::filesystem::path> synset_file_;
  SynsetTable synset_;
  std::map<std::int64_t, std::int64_t> map_;  ///< class per id of the label map
};

/// What a labels file gave.
struct AppliedLabels {
  std::string form;              ///< "labels file", "ground truth file" or "csv file"
  std::int64_t unmatched = 0;    ///< entries that match no sample
};

/// Sets the labels that a file gives, in one of three forms:
/// - lines "name label";
/// - one label per line, for the images ILSVRC2012_val_<line> or, when none is called so and there are as many
///   images as lines, for the images in sorted order;
/// - comma-separated cells (.csv), with a header that names the columns or name and label in the first two.
/// Throws Error(input) naming file and line when a line is malformed, contradicts another or matches
/// several samples, and when no line matches.
AppliedLabels apply_labels_file(const std::filesystem::path& path, std::span<Sample> samples, LabelCodes codes = LabelCodes());

/// The WordNet id that a file name begins with: "n01440764" of "a/n01440764_tench.JPEG".
std::optional<std::string_view> leading_wordnet_id(std::string_view name);

/// True for 'n' and eight digits.
bool is_wordnet_id(std::string_view text);

/// The name after its last '/'.
std::string_view file_name_of(std::string_view name);

}  // namespace nq
