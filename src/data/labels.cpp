#include "data/labels.hpp"

#include <algorithm>
#include <cctype>

#include "core/check.hpp"
#include "core/files.hpp"
#include "data/label_text.hpp"

namespace nq {
namespace {

constexpr std::size_t kWordnetIdLength = 9;

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

void LabelCodes::read_map(const std::filesystem::path& path) {
  const std::string text = read_file(path, kMaxLabelFileBytes);
  with_context(
      [&] {
        std::size_t line = 0;
        for (const std::string_view content : lines_of(text)) {
          ++line;
          if (content.empty() || content.front() == '#') continue;
          const auto words = words_of(content);
          NQ_CHECK(words.size() >= 2, input, "line {}: expected an id and its WordNet id or class index, got '{}'", line,
                   content.substr(0, 40));
          const bool id_first = is_number(words[0]);
          const std::int64_t id = parse_index(words[id_first ? 0 : 1], line);
          const std::string_view target = words[id_first ? 1 : 0];
          const std::int64_t index =
              is_wordnet_id(target) ? class_of_wordnet_id(target, line) : parse_index(target, line);
          NQ_CHECK(map_.emplace(id, index).second, input, "line {}: id {} appears twice", line, id);
        }
        NQ_CHECK(!map_.empty(), input, "it has no line");
      },
      [&] { return fmt::format("in label map '{}'", path.string()); });
}

std::int64_t LabelCodes::class_of_wordnet_id(std::string_view id, std::size_t line) {
  if (synset_.empty()) {
    if (!synset_file_) {
      throw Error(ErrorKind::input, fmt::format("line {}: '{}' is a WordNet id", line, id),
                  "--synset FILE says which class it is: line i begins with the id of class i");
    }
    synset_ = read_synset(*synset_file_);
  }
  const auto found = synset_.find(id);
  NQ_CHECK(found != synset_.end(), input, "line {}: '{}' is not in '{}'", line, id, synset_file_->string());
  return found->second;
}

std::int64_t LabelCodes::resolve(std::string_view text, std::size_t line) {
  if (is_wordnet_id(text)) return class_of_wordnet_id(text, line);
  const std::int64_t number = parse_index(text, line);
  if (map_.empty()) return number;
  const auto found = map_.find(number);
  NQ_CHECK(found != map_.end(), input, "line {}: id {} is not in the label map", line, number);
  return found->second;
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

std::string_view file_name_of(std::string_view name) { return name.substr(name.rfind('/') + 1); }

}  // namespace nq
