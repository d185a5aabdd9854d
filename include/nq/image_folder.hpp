#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nq {

/// One image of a folder.
struct Sample {
  std::filesystem::path path;         ///< to open it
  std::string name;                   ///< path relative to the folder, with '/' between parts
  std::optional<std::int64_t> label;  ///< class index, when known
};

/// Files that say what the images show; all optional.
struct LabelOptions {
  /// Lines "name label", a csv file, or one label per line for ILSVRC2012_val_<line>; a label is a class
  /// index or a WordNet id. Default: labels.txt in the folder, if it is there.
  std::optional<std::filesystem::path> labels;
  /// Line i begins with the WordNet id, or the folder name, of class i. Default: synset_words.txt in the
  /// folder or in its parent, if it is there.
  std::optional<std::filesystem::path> synset;
  /// Numbering that the labels file uses instead of class indices, such as the 1-based ILSVRC2012 ids: lines
  /// with an id and its WordNet id, or "id index".
  std::optional<std::filesystem::path> label_map = {};
};

/// The images below a folder, in a defined order, with their labels.
///
/// Images are files named .jpg, .jpeg, .png or .bmp (in any case), in sub-folders too. Names that begin
/// with a dot are ignored, folders included. Links to folders are followed unless they lead back to a
/// folder above them. The order is that of the names' bytes, whatever the file system returns.
///
/// Labels come from the first of these that applies:
/// 1. the labels file. A listed name may lack the extension or the folder, or have more folders in front.
///    Images it does not list stay without a label;
/// 2. class folders found in the synset file;
/// 3. file names that all begin with a WordNet id (n01440764_...) found in the synset file;
/// 4. class folders: every image lies in a sub-folder and there are at least two; the label is the place
///    of the outermost sub-folder in sorted order;
/// 5. file names of which some begin with a WordNet id found in the synset file.
class ImageFolder {
 public:
  /// Throws Error(input) when the folder cannot be read or holds no image (saying how many other files
  /// it holds), when a label file cannot be read or has a malformed line (naming file and line), or when
  /// one that was asked for matches no image.
  static ImageFolder open(const std::filesystem::path& folder, const LabelOptions& options = {});

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Sorted by the bytes of the names.
  const std::vector<Sample>& samples() const noexcept { return samples_; }

  /// `count` samples (all when 0 or more than there are) chosen by `seed`, sorted by name.
  ///
  /// A sample's rank depends on the seed and its name alone: a larger count keeps the samples of a
  /// smaller one. Throws Error(usage) when negative.
  std::vector<Sample> select(std::int64_t count, std::uint64_t seed) const;

  /// Where labels come from, for printing: "labels file 'x/labels.txt'", "class folders in sorted order",
  /// ..., "none".
  const std::string& label_source() const noexcept { return label_source_; }
  /// The synset file that was named or found.
  const std::optional<std::filesystem::path>& synset_file() const noexcept { return synset_file_; }
  std::int64_t num_labelled() const noexcept;
  /// Files that are neither images nor label files.
  std::int64_t num_other_files() const noexcept { return num_other_files_; }
  /// Lines of the labels file that match no image.
  std::int64_t num_unmatched_labels() const noexcept { return num_unmatched_labels_; }

 private:
  std::filesystem::path path_;
  std::vector<Sample> samples_;
  std::string label_source_;
  std::optional<std::filesystem::path> synset_file_;
  std::int64_t num_other_files_ = 0;
  std::int64_t num_unmatched_labels_ = 0;
};

/// SHA-256 over the lines "<sha256 of the file>  <name>\n" in name order: the digest of what sha256sum
/// prints. It identifies the images whatever their folder is called. Throws Error(input) naming a file
/// that cannot be read.
std::string list_sha256(std::span<const Sample> samples);

}  // namespace nq
