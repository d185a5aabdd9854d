#include "data/labels.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "core/check.hpp"
#include "core/files.hpp"

namespace nq {
namespace {

constexpr std::uint64_t kMaxLabelFileBytes = std::uint64_t{1} << 28;
constexpr std::string_view kBlanks = " \t\r";
constexpr std::size_t kWordnetIdLength = 9;

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Lines without surrounding blanks, the byte order mark and the empty lines at the end dropped.
std::vector<std::string_view> lines_of(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(trim(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string_view file_name_of(std::string_view name) { return name.substr(name.rfind('/') + 1); }

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

std::int64_t parse_index(std::string_view digits, std::size_t line) {
  std::int64_t index = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  NQ_CHECK(status != std::errc::invalid_argument && end == digits.data() + digits.size(), input,
           "line {}: expected 'name index', got '{}' as the index", line, digits.substr(0, 40));
  NQ_CHECK(status == std::errc() && index >= 0 && index <= kMaxLabel, input,
           "line {}: index {} is outside 0..{}", line, digits.substr(0, 40), kMaxLabel);
  return index;
}

std::vector<Entry> parse_entries(std::string_view text) {
  std::vector<Entry> entries;
  std::size_t line = 0;
  for (const std::string_view content : lines_of(text)) {
    ++line;
    if (content.empty() || content.front() == '#') continue;
    const std::size_t blank = content.find_last_of(kBlanks);
    NQ_CHECK(blank != std::string_view::npos, input, "line {}: expected 'name index', got '{}'", line,
             content.substr(0, 40));
    std::string_view name = trim(content.substr(0, blank));
    if (name.starts_with("./")) name.remove_prefix(2);
    entries.push_back({name, parse_index(content.substr(blank + 1), line), line, nullptr});
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

std::int64_t apply_entries(std::string_view text, std::span<Sample> samples) {
  std::vector<Entry> entries = parse_entries(text);
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

}  // namespace

SynsetTable read_synset(const std::filesystem::path& path) {
  const std::string text = read_file(path, kMaxLabelFileBytes);
  SynsetTable table;
  for (const std::string_view content : lines_of(text)) {
    const auto label = static_cast<std::int64_t>(table.size());
    const std::string_view id = content.substr(0, content.find_first_of(kBlanks));
    NQ_CHECK(!id.empty(), input, "'{}' line {} is empty", path.string(), label + 1);
    NQ_CHECK(table.emplace(id, label).second, input, "'{}' line {}: '{}' appears twice", path.string(),
             label + 1, id);
  }
  return table;
}

std::int64_t apply_labels_file(const std::filesystem::path& path, std::span<Sample> samples) {
  const std::string text = read_file(path, kMaxLabelFileBytes);
  try {
    return apply_entries(text, samples);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("labels file '{}': {}", path.string(), error.message()));
  }
}

bool is_wordnet_id(std::string_view text) {
  return text.size() == kWordnetIdLength && text.front() == 'n' &&
         std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

std::optional<std::string_view> leading_wordnet_id(std::string_view name) {
  const std::string_view file_name = file_name_of(name);
  const std::string_view id = file_name.substr(0, kWordnetIdLength);
  const std::string_view rest = file_name.substr(id.size());
  const bool is_separate = rest.empty() || rest.front() == '_' || rest.front() == '.' || rest.front() == '-';
  if (!is_wordnet_id(id) || !is_separate) return std::nullopt;
  return id;
}

}  // namespace nq
