#include "nq/class_view.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/files.hpp"
#include "data/label_text.hpp"
#include "data/labels.hpp"

namespace nq {
namespace {

constexpr std::int64_t kImageNetClasses = 1000;

std::vector<std::int64_t> read_indices(const std::vector<std::string_view>& lines) {
  std::vector<std::int64_t> outputs;
  for (const std::string_view line : lines) outputs.push_back(parse_index(line, outputs.size() + 1));
  return outputs;
}

std::vector<std::int64_t> match_ids(const std::filesystem::path& outputs_file,
                                    const std::optional<std::filesystem::path>& synset) {
  if (!synset) {
    throw Error(ErrorKind::usage, "it names outputs by WordNet ids, and nothing says which ids are the classes",
                "--synset FILE: line i begins with the id of class i");
  }
  const SynsetTable outputs = read_synset(outputs_file);
  const SynsetTable classes = read_synset(*synset);
  std::vector<std::int64_t> map(classes.size());
  for (const auto& [id, index] : classes) {
    const auto found = outputs.find(id);
    NQ_CHECK(found != outputs.end(), input, "class {} ('{}' in '{}') is not in it", index, id, synset->string());
    map[static_cast<std::size_t>(index)] = found->second;
  }
  return map;
}

}  // namespace

ClassView ClassView::with_offset(std::int64_t offset) {
  NQ_CHECK(offset >= 0, usage, "a class offset of {} is negative", offset);
  ClassView view;
  view.is_explicit_ = true;
  view.offset_ = offset;
  if (offset > 0) view.text_ = fmt::format("outputs from {} on", offset);
  return view;
}

ClassView ClassView::from_file(const std::filesystem::path& path, const std::optional<std::filesystem::path>& synset) {
  return with_context(
      [&] {
        const std::string text = read_file(path, kMaxLabelFileBytes);
        const auto lines = lines_of(text);
        NQ_CHECK(!lines.empty(), input, "it is empty");
        ClassView view;
        view.is_explicit_ = true;
        const bool by_id = is_wordnet_id(lines.front().substr(0, lines.front().find_first_of(kBlanks)));
        view.outputs_ = by_id ? match_ids(path, synset) : read_indices(lines);
        view.text_ = fmt::format("{} outputs of '{}'", view.outputs_.size(), path.string());
        return view;
      },
      [&] { return fmt::format("in class map '{}'", path.string()); });
}

std::int64_t ClassView::num_classes(std::int64_t outputs) const {
  if (outputs_.empty()) {
    NQ_CHECK(offset_ < outputs, usage, "the class offset is {}, the model has {} outputs", offset_, outputs);
    return outputs - offset_;
  }
  const std::int64_t largest = *std::max_element(outputs_.begin(), outputs_.end());
  NQ_CHECK(largest < outputs, usage, "the class map names output {}, the model has {}", largest, outputs);
  return static_cast<std::int64_t>(outputs_.size());
}

std::span<const float> ClassView::select(std::span<const float> logits, std::vector<float>& storage) const {
  if (outputs_.empty()) return logits.subspan(static_cast<std::size_t>(offset_));
  storage.resize(outputs_.size());
  for (std::size_t k = 0; k < outputs_.size(); ++k) storage[k] = logits[static_cast<std::size_t>(outputs_[k])];
  return storage;
}

void ClassView::check_labels(std::int64_t outputs, std::int64_t largest_label) const {
  if (is_explicit_ || largest_label >= kImageNetClasses) return;
  if (outputs == kImageNetClasses + 1) {
    throw Error(ErrorKind::usage, "the model has 1001 outputs and no label is above 999: it is not known which output is class 0",
                "--class-offset 1 when output 0 is a background class, --class-offset 0 when it is class 0");
  }
  if (outputs > 10 * kImageNetClasses) {
    throw Error(ErrorKind::usage,
                fmt::format("the model has {} outputs and no label is above 999: it is not known which outputs are the classes", outputs),
                "--class-map FILE with the output of each class, or --class-offset 0 when class k is output k");
  }
}

}  // namespace nq
