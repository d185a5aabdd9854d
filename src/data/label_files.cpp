#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <deque>
#include <vector>

#include "core/check.hpp"
#include "core/files.hpp"
#include "data/label_text.hpp"
#include "data/labels.hpp"

namespace nq {
namespace {

/// The name without its extension; a dot in a folder name is none.
std::string_view without_extension(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::size_t slash = name.rfind('/');
  const bool has_extension =
      dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash);
  return has_extension ? name.substr(0, dot) : name;
}

struct Entry {
  std::string_view name;
  std::int64_t label = 0;
  std::size_t line = 0;            ///< counted from 1
  const Sample* sample = nullptr;  ///< that it labels
};

/// The listed name without what says nothing about it.
std::string_view name_of(std::string_view text) {
  std::string_view name = trim(text);
  if (name.starts_with("./")) name.remove_prefix(2);
  return name;
}

std::vector<Entry> parse_lines(std::string_view text, LabelCodes& codes) {
  std::vector<Entry> entries;
  std::size_t line = 0;
  for (const std::string_view content : lines_of(text)) {
    ++line;
    if (content.empty() || content.front() == '#') continue;
    const std::size_t blank = content.find_last_of(kBlanks);
    NQ_CHECK(blank != std::string_view::npos, input, "line {}: expected 'name index', got '{}'", line,
             content.substr(0, 40));
    entries.push_back({name_of(content.substr(0, blank)), codes.resolve(content.substr(blank + 1), line), line, nullptr});
  }
  return entries;
}

/// Places of the two columns of a csv file.
struct Columns {
  std::size_t name = 0;
  std::size_t label = 1;
  bool has_header = false;
};

bool is_label(std::string_view cell) { return is_number(cell) || is_wordnet_id(cell); }

/// The first word of a cell: Kaggle's PredictionString has boxes behind the WordNet id.
std::string_view first_word(std::string_view cell) {
  const auto words = words_of(cell);
  return words.empty() ? std::string_view() : words.front();
}

Columns find_columns(const std::vector<std::string>& first) {
  constexpr std::array<std::string_view, 8> names = {"imageid", "image_id", "image",    "file",
                                                     "filename", "file_name", "path",   "name"};
  constexpr std::array<std::string_view, 8> labels = {"label", "class", "index",  "wnid",
                                                      "synset", "target", "class_id", "predictionstring"};
  std::optional<std::size_t> name;
  std::optional<std::size_t> label;
  for (std::size_t at = 0; at < first.size(); ++at) {
    std::string title = first[at];
    std::transform(title.begin(), title.end(), title.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!name && std::find(names.begin(), names.end(), title) != names.end()) name = at;
    else if (!label && std::find(labels.begin(), labels.end(), title) != labels.end()) label = at;
  }
  if (name && label) return {*name, *label, true};
  NQ_CHECK(first.size() >= 2 && is_label(first_word(first[1])), input,
           "line 1 names no columns that are known (a file: image, file, filename, path, name, ImageId; a label: "
           "label, class, index, wnid, synset, target, PredictionString), and is no 'name,label'");
  return {};
}

std::vector<Entry> parse_csv(std::string_view text, LabelCodes& codes, std::deque<std::string>& names) {
  std::vector<Entry> entries;
  std::optional<Columns> columns;
  std::size_t line = 0;
  for (const std::string_view content : lines_of(text)) {
    ++line;
    if (content.empty()) continue;
    const auto cells = cells_of(content);
    const bool is_first = !columns;
    if (is_first) columns = find_columns(cells);
    if (is_first && columns->has_header) continue;
    NQ_CHECK(cells.size() > std::max(columns->name, columns->label), input, "line {}: it has {} cells", line, cells.size());
    names.push_back(cells[columns->name]);
    entries.push_back({name_of(names.back()), codes.resolve(first_word(cells[columns->label]), line), line, nullptr});
  }
  return entries;
}

/// Finds the entry of an image; see ImageFolder for the forms that a listed name may have.
class EntryIndex {
 public:
  explicit EntryIndex(std::vector<Entry>& entries) {
    for (Entry& entry : entries) {
      const auto [found, is_new] = exact_.emplace(entry.name, &entry);
      NQ_CHECK(is_new || found->second->label == entry.label, input, "line {}: '{}' has index {} in line {}",
               entry.line, entry.name, found->second->label, found->second->line);
      std::string_view shorter = entry.name;
      for (auto slash = shorter.find('/'); slash != std::string_view::npos; slash = shorter.find('/')) {
        shorter.remove_prefix(slash + 1);
        // Two entries that end alike say nothing about a name that both could mean.
        const auto [other, is_first] = endings_.emplace(shorter, &entry);
        if (!is_first) other->second = nullptr;
      }
    }
  }

  Entry* find(std::string_view name) const {
    const std::string_view stem = without_extension(name);
    for (const std::string_view key : {name, stem}) {
      if (Entry* entry = look_up(exact_, key)) return entry;
    }
    for (const std::string_view key : {name, stem}) {
      if (Entry* entry = look_up(endings_, key)) return entry;
    }
    for (const std::string_view key : {file_name_of(name), file_name_of(stem)}) {
      if (Entry* entry = look_up(exact_, key)) return entry;
    }
    return nullptr;
  }

 private:
  using Map = std::map<std::string_view, Entry*>;
  static Entry* look_up(const Map& map, std::string_view key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : found->second;
  }

  Map exact_;
  Map endings_;
};

std::int64_t apply_entries(std::vector<Entry> entries, std::span<Sample> samples) {
  const EntryIndex index(entries);
  for (Sample& sample : samples) {
    Entry* entry = index.find(sample.name);
    if (entry == nullptr) continue;
    NQ_CHECK(entry->sample == nullptr, input,
             "line {}: '{}' means both '{}' and '{}'; write more of the path", entry->line, entry->name,
             entry->sample->name, sample.name);
    entry->sample = &sample;
    sample.label = entry->label;
  }
  const auto unmatched = std::count_if(entries.begin(), entries.end(),
                                       [](const Entry& entry) { return entry.sample == nullptr; });
  NQ_CHECK(static_cast<std::size_t>(unmatched) < entries.size(), input,
           "none of its {} names is in the image folder", entries.size());
  return unmatched;
}

/// The number in ILSVRC2012_val_00000001.JPEG, counted from 1.
std::optional<std::size_t> validation_number(std::string_view name) {
  constexpr std::string_view prefix = "ILSVRC2012_val_";
  const std::string_view file = file_name_of(name);
  if (!file.starts_with(prefix)) return std::nullopt;
  const std::string_view digits = without_extension(file.substr(prefix.size()));
  if (!is_number(digits) || digits.size() > 8) return std::nullopt;
  std::size_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

/// A file of bare labels cannot show that it counts from 1; one that ends at 1000 and lacks 0 does.
void check_numbering(const std::vector<std::int64_t>& labels, const LabelCodes& codes) {
  const auto [low, high] = std::minmax_element(labels.begin(), labels.end());
  if (codes.has_map() || *low != 1 || *high != 1000) return;
  throw Error(ErrorKind::input, "its numbers run from 1 to 1000: these are ILSVRC2012 ids, not class indices 0..999",
              "--label-map FILE names their numbering, lines 'id wnid' as in the development kit's meta file");
}

std::int64_t apply_positions(std::string_view text, std::span<Sample> samples, LabelCodes& codes) {
  std::vector<std::int64_t> labels;
  std::vector<std::int64_t> numbers;
  for (const std::string_view content : lines_of(text)) {
    labels.push_back(codes.resolve(content, labels.size() + 1));
    if (is_number(content)) numbers.push_back(parse_index(content, labels.size()));
  }
  if (!numbers.empty()) check_numbering(numbers, codes);
  const bool numbered = std::any_of(samples.begin(), samples.end(),
                                    [](const Sample& sample) { return validation_number(sample.name).has_value(); });
  NQ_CHECK(numbered || labels.size() == samples.size(), input,
           "it has {} labels without names, the folder {} images, and none is called ILSVRC2012_val_<number>",
           labels.size(), samples.size());
  std::size_t used = 0;
  for (std::size_t at = 0; at < samples.size(); ++at) {
    const std::size_t place = numbered ? validation_number(samples[at].name).value_or(0) : at + 1;
    NQ_CHECK(!numbered || place <= labels.size(), input, "image '{}' has no line: there are {}", samples[at].name,
             labels.size());
    if (place == 0) continue;
    samples[at].label = labels[place - 1];
    ++used;
  }
  return static_cast<std::int64_t>(labels.size() - std::min(used, labels.size()));
}

/// Every line is one word that is a label.
bool is_bare(std::string_view text) {
  const auto lines = lines_of(text);
  return !lines.empty() && std::all_of(lines.begin(), lines.end(), [](std::string_view line) { return is_label(line); });
}

AppliedLabels apply_text(const std::filesystem::path& path, std::string_view text, std::span<Sample> samples,
                         LabelCodes& codes) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return std::tolower(c); });
  if (extension == ".parquet" || text.starts_with("PAR1")) {
    throw Error(ErrorKind::input, "parquet tables are not read",
                "write the images as files in one folder per class, and the labels as lines 'name index'");
  }
  if (extension == ".csv") {
    std::deque<std::string> names;
    return {"csv file", apply_entries(parse_csv(text, codes, names), samples)};
  }
  if (is_bare(text)) return {"ground truth file", apply_positions(text, samples, codes)};
  return {"labels file", apply_entries(parse_lines(text, codes), samples)};
}

}  // namespace

AppliedLabels apply_labels_file(const std::filesystem::path& path, std::span<Sample> samples, LabelCodes codes) {
  const std::string text = read_file(path, kMaxLabelFileBytes);
  try {
    return apply_text(path, text, samples, codes);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("labels file '{}': {}", path.string(), error.message()), error.hint());
  }
}

}  // namespace nq
