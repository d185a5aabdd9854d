#include "data/labels.hpp"

#include "data_test_support.hpp"

using namespace nq;
using namespace nq::test;

namespace {

std::vector<Sample> samples_named(std::initializer_list<std::string> names) {
  std::vector<Sample> samples;
  for (const std::string& name : names) samples.push_back({name, name, std::nullopt});
  return samples;
}

/// Labels of the named samples after reading `text`; -1 where there is none.
std::vector<std::int64_t> labels_by(const std::string& text, std::initializer_list<std::string> names,
                                    std::int64_t* unmatched = nullptr) {
  const TempFolder folder;
  auto samples = samples_named(names);
  const std::int64_t count = apply_labels_file(folder.write("labels.txt", text), samples);
  if (unmatched != nullptr) *unmatched = count;
  std::vector<std::int64_t> labels;
  for (const Sample& sample : samples) labels.push_back(sample.label.value_or(-1));
  return labels;
}

void require_rejected(const std::string& text, std::initializer_list<std::string> names,
                      std::initializer_list<std::string_view> messages) {
  require_error(ErrorKind::input, messages, [&] { labels_by(text, names); });
}

using Labels = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a listed name may be whole, short or long", "[data]") {
  CHECK(labels_by("a.png 3\nb.png 4\n", {"a.png", "b.png"}) == Labels{3, 4});
  CHECK(labels_by("a 3\nb 4", {"a.png", "b.png"}) == Labels{3, 4});
  CHECK(labels_by("a.png 3", {"x/a.png"}) == Labels{3});
  CHECK(labels_by("a 3", {"x/y/a.png"}) == Labels{3});
  CHECK(labels_by("x/a 3", {"x/a.png"}) == Labels{3});
  CHECK(labels_by("val/x/a.png 3", {"x/a.png"}) == Labels{3});
  CHECK(labels_by("./a.png 3", {"a.png"}) == Labels{3});
  CHECK(labels_by("with blanks in it.png  7", {"with blanks in it.png"}) == Labels{7});
  CHECK(labels_by("v1.0/img 2", {"v1.0/img.jpg"}) == Labels{2});
}

TEST_CASE("a name in another folder is not taken for the same image", "[data]") {
  CHECK(labels_by("x/a.png 3\ny/a.png 4", {"x/a.png", "y/a.png"}) == Labels{3, 4});
  CHECK(labels_by("x/a.png 3", {"x/a.png", "y/a.png"}) == Labels{3, -1});
  // Both lines could mean a.png: neither does.
  CHECK(labels_by("x/a.png 3\ny/a.png 4\nb.png 5", {"a.png", "b.png"}) == Labels{-1, 5});
}

TEST_CASE("line endings, comments, blank lines and a byte order mark are accepted", "[data]") {
  CHECK(labels_by("\xEF\xBB\xBF"
                  "# name index\r\n\r\na.png\t3\r\n  b.png 4  \r\n\r\n",
                  {"a.png", "b.png"}) == Labels{3, 4});
}

TEST_CASE("images and lines without partner are counted, not fatal", "[data]") {
  std::int64_t unmatched = 0;
  CHECK(labels_by("a.png 3\nz.png 4\ny.png 4", {"a.png", "b.png"}, &unmatched) == Labels{3, -1});
  CHECK(unmatched == 2);
}

TEST_CASE("malformed label lines name file and line", "[data][hostile]") {
  require_rejected("a.png 3\nb.png\n", {"a.png"}, {"labels.txt", "line 2", "'b.png'"});
  require_rejected("a.png three", {"a.png"}, {"line 1", "'three'"});
  require_rejected("a.png 3.5", {"a.png"}, {"line 1", "'3.5'"});
  require_rejected("\n\na.png -1", {"a.png"}, {"line 3", "index -1"});
  require_rejected("a.png 10000001", {"a.png"}, {"index 10000001"});
  require_rejected("a.png 99999999999999999999", {"a.png"}, {"index 99999999999999999999"});
  require_rejected("a.png 3\na.png 4", {"a.png"}, {"line 2", "'a.png' has index 3 in line 1"});
  require_rejected("a 3", {"a.png", "a.jpg"}, {"line 1", "'a.png'", "'a.jpg'"});
  require_rejected("x.png 3\ny.png 3", {"a.png"}, {"none of its 2 names"});
  require_rejected("", {"a.png"}, {"none of its 0 names"});
  CHECK(labels_by("a.png 10000000", {"a.png"}) == Labels{kMaxLabel});
}

TEST_CASE("a repeated line with the same index is harmless", "[data]") {
  CHECK(labels_by("a.png 3\na.png 3", {"a.png"}) == Labels{3});
}

TEST_CASE("synset lines give the class by their place", "[data]") {
  const TempFolder folder;
  const SynsetTable table = read_synset(folder.write("s.txt", "n00000001 a, b\nn00000002\nn00000003\tc\n\n"));
  CHECK(table.size() == 3);
  CHECK(table.at("n00000003") == 2);
  require_error(ErrorKind::input, {"s.txt", "line 2 is empty"},
                [&] { read_synset(folder.write("s.txt", "n00000001\n\nn00000003\n")); });
  require_error(ErrorKind::input, {"line 2", "appears twice"},
                [&] { read_synset(folder.write("s.txt", "n00000001 a\nn00000001 b\n")); });
}

TEST_CASE("WordNet ids are recognized at the start of a file name only", "[data]") {
  CHECK(leading_wordnet_id("n01440764_tench.JPEG") == "n01440764");
  CHECK(leading_wordnet_id("a/b/n01440764.png") == "n01440764");
  CHECK_FALSE(leading_wordnet_id("n0144076_x.png").has_value());
  CHECK_FALSE(leading_wordnet_id("n014407645.png").has_value());
  CHECK_FALSE(leading_wordnet_id("x_n01440764.png").has_value());
  CHECK_FALSE(leading_wordnet_id("n01440764/x.png").has_value());
  CHECK(is_wordnet_id("n01440764"));
  CHECK_FALSE(is_wordnet_id("N01440764"));
}
