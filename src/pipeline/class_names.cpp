#include <map>
#include <set>

#include "core/check.hpp"
#include "core/files.hpp"
#include "nq/report.hpp"

namespace nq {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{16} << 20;
constexpr std::int64_t kMostClasses = 1 << 20;

bool is_wordnet_id(std::string_view word) {
  constexpr std::size_t length = 9;
  return word.size() == length && word.front() == 'n' && word.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

/// The line without a WordNet id and a carriage return.
std::string name_in(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t blank = line.find_first_of(" \t");
  if (blank != std::string_view::npos && is_wordnet_id(line.substr(0, blank))) line.remove_prefix(blank + 1);
  return std::string(line);
}

}  // namespace

std::vector<std::string> load_class_names(const std::filesystem::path& path) {
  const std::string text = read_file(path, kMostBytes);
  NQ_CHECK(text.find('\0') == std::string::npos, input, "'{}' is no text file", path.string());
  std::vector<std::string> names;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    names.push_back(name_in(std::string_view(text).substr(start, end - start)));
    start = end + 1;
  }
  NQ_CHECK(!names.empty(), input, "'{}' names no class", path.string());
  return names;
}

std::vector<std::string> class_folder_names(const std::vector<Sample>& images) {
  std::map<std::int64_t, std::string> folders;
  std::set<std::string> used;
  for (const Sample& sample : images) {
    const std::size_t slash = sample.name.find('/');
    if (!sample.label || slash == std::string::npos) return {};
    const std::string folder = sample.name.substr(0, slash);
    const auto [known, is_new] = folders.emplace(*sample.label, folder);
    if (is_new && !used.insert(folder).second) return {};
    if (known->second != folder) return {};
  }
  if (folders.empty() || folders.rbegin()->first >= kMostClasses) return {};
  std::vector<std::string> names(static_cast<std::size_t>(folders.rbegin()->first) + 1);
  for (const auto& [label, folder] : folders) names[static_cast<std::size_t>(label)] = folder;
  return names;
}

}  // namespace nq
