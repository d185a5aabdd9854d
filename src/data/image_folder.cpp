#include "nq/image_folder.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "core/check.hpp"
#include "core/hash.hpp"
#include "core/log.hpp"
#include "core/parallel.hpp"
#include "core/rng.hpp"
#include "data/labels.hpp"
#include "data/image_list.hpp"

namespace nq {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kLabelsName = "labels.txt";
constexpr std::string_view kSynsetName = "synset_words.txt";

bool is_image_name(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 4> known = {".jpg", ".jpeg", ".png", ".bmp"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

bool is_parquet(const fs::path& path) { return path.extension() == ".parquet"; }

constexpr const char* kParquetAdvice =
    "parquet tables are not read: write their images as files, in one folder per class or with a labels file";

/// Collects images and folders below a root.
class FolderScan {
 public:
  void visit(const fs::path& folder, const std::string& prefix) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    check(folder, error);
    // A link back to a folder that we are inside of would go round for ever.
    if (std::find(open_.begin(), open_.end(), real) != open_.end()) return;
    open_.push_back(real);
    fs::directory_iterator entry(folder, error);
    check(folder, error);
    while (entry != fs::directory_iterator()) {
      visit_entry(*entry, prefix);
      entry.increment(error);
      check(folder, error);
    }
    open_.pop_back();
  }

  std::vector<Sample> samples;
  std::set<std::string> class_folders;  ///< directly below the root, with or without images
  std::int64_t num_other_files = 0;
  bool has_parquet = false;

 private:
  static void check(const fs::path& folder, const std::error_code& error) {
    NQ_CHECK(!error, input, "cannot read folder '{}': {}", folder.string(), error.message());
  }

  void visit_entry(const fs::directory_entry& entry, const std::string& prefix) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) return;
    std::error_code ignored;
    if (entry.is_directory(ignored)) {
      if (prefix.empty()) class_folders.insert(name);
      visit(entry.path(), prefix + name + '/');
    } else if (is_image_name(entry.path())) {
      // Whatever bears an image's name counts as one, a dangling link too: it must not vanish silently.
      samples.push_back({entry.path(), prefix + name, std::nullopt});
    } else if (name != kLabelsName && name != kSynsetName) {
      ++num_other_files;
      has_parquet = has_parquet || is_parquet(entry.path());
    }
  }

  std::vector<fs::path> open_;
};

std::string_view class_folder_of(const Sample& sample) {
  return std::string_view(sample.name).substr(0, sample.name.find('/'));
}

bool is_in_sub_folder(const Sample& sample) { return sample.name.find('/') != std::string::npos; }

/// Finds the labels of a scanned folder; one method per source, each true when it applied.
class Labeller {
 public:
  Labeller(const fs::path& folder, const LabelOptions& options, FolderScan& scan)
      : options_(options), scan_(scan) {
    labels_file_ = options.labels ? options.labels : existing(folder / kLabelsName);
    synset_file_ = options.synset ? options.synset : existing(folder / kSynsetName);
    if (!synset_file_) synset_file_ = existing((folder / ".." / kSynsetName).lexically_normal());
  }

  std::string run() {
    if (labels_file_) {
      LabelCodes codes(synset_file_);
      if (options_.label_map) codes.read_map(*options_.label_map);
      const AppliedLabels applied = apply_labels_file(*labels_file_, scan_.samples, std::move(codes));
      num_unmatched = applied.unmatched;
      return fmt::format("{} '{}'", applied.form, labels_file_->string());
    }
    NQ_CHECK(!options_.label_map, usage, "--label-map translates the labels of a file, and none is named by --labels");
    if (synset_file_) synset_ = read_synset(*synset_file_);
    if (by_known_class_folder()) return fmt::format("class folders by '{}'", synset_file_->string());
    if (by_wordnet_id(true)) return fmt::format("file names by '{}'", synset_file_->string());
    NQ_CHECK(!options_.synset || any_wordnet_id(), input, "no image or folder is named in '{}'",
             synset_file_->string());
    if (by_folder_order()) return "class folders in sorted order";
    if (by_wordnet_id(false)) return fmt::format("file names by '{}'", synset_file_->string());
    return "none";
  }

  const std::optional<fs::path>& synset_file() const noexcept { return synset_file_; }

  std::int64_t num_unmatched = 0;

 private:
  static std::optional<fs::path> existing(const fs::path& path) {
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return path;
    return std::nullopt;
  }

  bool all_in_sub_folders() const {
    return std::all_of(scan_.samples.begin(), scan_.samples.end(), is_in_sub_folder);
  }

  std::optional<std::int64_t> synset_index(std::string_view id) const {
    const auto found = synset_.find(id);
    if (found == synset_.end()) return std::nullopt;
    return found->second;
  }

  std::optional<std::int64_t> index_of_name(const Sample& sample) const {
    const auto id = leading_wordnet_id(sample.name);
    return id ? synset_index(*id) : std::nullopt;
  }

  bool any_wordnet_id() const {
    return std::any_of(scan_.samples.begin(), scan_.samples.end(),
                       [this](const Sample& sample) { return index_of_name(sample).has_value(); });
  }

  bool by_known_class_folder() {
    if (synset_.empty() || !all_in_sub_folders()) return false;
    std::string_view unknown;
    bool are_all_ids = true;
    for (const Sample& sample : scan_.samples) {
      const std::string_view folder = class_folder_of(sample);
      are_all_ids = are_all_ids && is_wordnet_id(folder);
      if (!synset_index(folder)) unknown = folder;
    }
    NQ_CHECK(unknown.empty() || !are_all_ids, input, "class folder '{}' is not in '{}'", unknown,
             synset_file_->string());
    if (!unknown.empty()) return false;
    for (Sample& sample : scan_.samples) sample.label = synset_index(class_folder_of(sample));
    return true;
  }

  bool by_wordnet_id(bool only_if_all) {
    if (!any_wordnet_id()) return false;
    const auto is_named = [this](const Sample& sample) { return index_of_name(sample).has_value(); };
    if (only_if_all && !std::all_of(scan_.samples.begin(), scan_.samples.end(), is_named)) return false;
    for (Sample& sample : scan_.samples) sample.label = index_of_name(sample);
    return true;
  }

  bool by_folder_order() {
    const auto& folders = scan_.class_folders;
    if (folders.size() < 2 || !all_in_sub_folders()) return false;
    for (Sample& sample : scan_.samples) {
      const auto place = folders.find(std::string(class_folder_of(sample)));
      sample.label = std::distance(folders.begin(), place);
    }
    if (std::all_of(folders.begin(), folders.end(), is_wordnet_id)) {
      log_warning(
          "{} class folders are named by WordNet ids, but there is no {}: their order is taken for the "
          "model's, which holds only when all classes are there",
          folders.size(), kSynsetName);
    }
    return true;
  }

  const LabelOptions& options_;
  FolderScan& scan_;
  std::optional<fs::path> labels_file_;
  std::optional<fs::path> synset_file_;
  SynsetTable synset_;
};

bool name_less(const Sample& left, const Sample& right) { return left.name < right.name; }

}  // namespace

ImageFolder ImageFolder::open(const fs::path& folder, const LabelOptions& options) {
  std::error_code ignored;
  NQ_CHECK(fs::exists(folder, ignored), input, "image folder '{}' does not exist", folder.string());
  const bool is_folder = fs::is_directory(folder, ignored);
  if (!is_folder) {
    throw Error(ErrorKind::input, fmt::format("'{}' is not a folder of images", folder.string()),
                is_parquet(folder) ? kParquetAdvice : "");
  }
  FolderScan scan;
  scan.visit(folder, "");
  if (scan.samples.empty()) {
    throw Error(ErrorKind::input,
                fmt::format("no images (.jpg, .jpeg, .png, .bmp) in '{}', which holds {} other files", folder.string(),
                            scan.num_other_files),
                scan.has_parquet ? kParquetAdvice : "");
  }
  std::sort(scan.samples.begin(), scan.samples.end(), name_less);
  Labeller labeller(folder, options, scan);
  ImageFolder result;
  result.path_ = folder;
  result.label_source_ = labeller.run();
  result.synset_file_ = labeller.synset_file();
  result.samples_ = std::move(scan.samples);
  result.num_other_files_ = scan.num_other_files;
  result.num_unmatched_labels_ = labeller.num_unmatched;
  if (labeller.num_unmatched > 0) {
    log_warning("{} names in {} are not in the image folder", labeller.num_unmatched, result.label_source_);
  }
  return result;
}

std::int64_t ImageFolder::num_labelled() const noexcept {
  return std::count_if(samples_.begin(), samples_.end(),
                       [](const Sample& sample) { return sample.label.has_value(); });
}

std::vector<Sample> ImageFolder::select(std::int64_t count, std::uint64_t seed) const {
  NQ_CHECK(count >= 0, usage, "cannot choose {} images", count);
  const auto size = static_cast<std::int64_t>(samples_.size());
  if (count == 0 || count >= size) return samples_;
  std::vector<std::pair<std::uint64_t, std::size_t>> ranks;
  for (std::size_t index = 0; index < samples_.size(); ++index) {
    ranks.emplace_back(RandomStream(seed, samples_[index].name).next(), index);
  }
  // Samples are sorted by name, so the index breaks ties as the name would.
  std::nth_element(ranks.begin(), ranks.begin() + count, ranks.end());
  std::vector<Sample> chosen;
  for (std::int64_t rank = 0; rank < count; ++rank) {
    chosen.push_back(samples_[ranks[static_cast<std::size_t>(rank)].second]);
  }
  std::sort(chosen.begin(), chosen.end(), name_less);
  return chosen;
}

std::vector<std::string> image_lines(std::span<const Sample> samples) {
  std::vector<std::string> lines(samples.size());
  parallel_for(0, static_cast<std::int64_t>(samples.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto index = static_cast<std::size_t>(begin); index < static_cast<std::size_t>(end); ++index) {
      lines[index] = fmt::format("{}  {}", sha256_file(samples[index].path), samples[index].name);
    }
  });
  sort_image_lines(lines);
  return lines;
}

void sort_image_lines(std::vector<std::string>& lines) {
  // The name follows 64 digits and two blanks.
  std::sort(lines.begin(), lines.end(),
            [](std::string_view left, std::string_view right) { return left.substr(66) < right.substr(66); });
}

std::string lines_sha256(std::span<const std::string> lines) {
  Sha256 digest;
  for (const std::string& line : lines) {
    digest.update(line);
    digest.update("\n");
  }
  return digest.hex();
}

std::string list_sha256(std::span<const Sample> samples) { return lines_sha256(image_lines(samples)); }

}  // namespace nq
