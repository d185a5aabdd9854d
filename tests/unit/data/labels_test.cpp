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
  const std::int64_t count = apply_labels_file(folder.write("labels.txt", text), samples).unmatched;
  if (unmatched != nullptr) *unmatched = count;
  std::vector<std::int64_t> labels;
  for (const Sample& sample : samples) labels.push_back(sample.label.value_or(-1));
  return labels;
}

void require_labels_rejected(const std::string& text, std::initializer_list<std::string> names,
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
  require_labels_rejected("a.png 3\nb.png\n", {"a.png"}, {"labels.txt", "line 2", "'b.png'"});
  require_labels_rejected("a.png three", {"a.png"}, {"line 1", "'three'"});
  require_labels_rejected("a.png 3.5", {"a.png"}, {"line 1", "'3.5'"});
  require_labels_rejected("\n\na.png -1", {"a.png"}, {"line 3", "index -1"});
  require_labels_rejected("a.png 10000001", {"a.png"}, {"index 10000001"});
  require_labels_rejected("a.png 99999999999999999999", {"a.png"}, {"index 99999999999999999999"});
  require_labels_rejected("a.png 3\na.png 4", {"a.png"}, {"line 2", "'a.png' has index 3 in line 1"});
  require_labels_rejected("a 3", {"a.png", "a.jpg"}, {"line 1", "'a.png'", "'a.jpg'"});
  require_labels_rejected("x.png 3\ny.png 3", {"a.png"}, {"none of its 2 names"});
  require_labels_rejected("", {"a.png"}, {"none of its 0 names"});
  CHECK(labels_by("a.png 10000000", {"a.png"}) == Labels{kMaxLabel});
}

TEST_CASE("a repeated line with the same index is harmless", "[data]") {
  CHECK(labels_by("a.png 3\na.png 3", {"a.png"}) == Labels{3});
}

namespace {

/// Labels of the named samples after reading a file called `name`; -1 where there is none.
std::vector<std::int64_t> labels_from(const std::string& name, const std::string& text,
                                      std::initializer_list<std::string> names, const std::string& map = "",
                                      const std::string& synset = "n00000007\nn00000008\nn00000009\n") {
  const TempFolder folder;
  auto samples = samples_named(names);
  LabelCodes codes(folder.write("synset.txt", synset));
  if (!map.empty()) codes.read_map(folder.write("map.txt", map));
  apply_labels_file(folder.write(name, text), samples, std::move(codes));
  std::vector<std::int64_t> labels;
  for (const Sample& sample : samples) labels.push_back(sample.label.value_or(-1));
  return labels;
}

}  // namespace

TEST_CASE("a label may be a WordNet id", "[data]") {
  CHECK(labels_from("l.txt", "a.png n00000009\nb.png 1\n", {"a.png", "b.png"}) == Labels{2, 1});
  require_error(ErrorKind::input, {"line 1", "n00000001", "synset.txt"},
                [] { labels_from("l.txt", "a.png n00000001\n", {"a.png"}); });
}

TEST_CASE("bare labels belong to the validation images by number, else in order", "[data]") {
  CHECK(labels_from("truth.txt", "5\n6\n7\n", {"ILSVRC2012_val_00000001.JPEG", "x/ILSVRC2012_val_00000003.JPEG"}) ==
        Labels{5, 7});
  CHECK(labels_from("truth.txt", "5\n6\n", {"a.png", "b.png"}) == Labels{5, 6});
  require_error(ErrorKind::input, {"3 labels", "2 images"}, [] { labels_from("truth.txt", "5\n6\n7\n", {"a.png", "b.png"}); });
  require_error(ErrorKind::input, {"has no line"},
                [] { labels_from("truth.txt", "5\n", {"ILSVRC2012_val_00000002.JPEG"}); });
}

TEST_CASE("1-based ids need their numbering", "[data]") {
  const std::string map = "# id wnid\n3 n00000007 first\nn00000008 1\n2 2\n";
  CHECK(labels_from("truth.txt", "1\n2\n3\n", {"a.png", "b.png", "c.png"}, map) == Labels{1, 2, 0});
  CHECK(labels_from("names.txt", "a.png 3\n", {"a.png"}, map) == Labels{0});
  std::string all;
  for (int id = 1; id <= 1000; ++id) all += std::to_string(id) + "\n";
  require_error(ErrorKind::input, {"1 to 1000", "--label-map"},
                [&] { labels_from("truth.txt", all, {"ILSVRC2012_val_00000002.JPEG"}); });
  require_error(ErrorKind::input, {"line 1", "id 9"}, [&] { labels_from("truth.txt", "9\n", {"a.png"}, map); });
  require_error(ErrorKind::input, {"map.txt", "line 2", "id 3 appears twice"},
                [] { labels_from("truth.txt", "3\n", {"a.png"}, "3 0\n3 1\n"); });
  require_error(ErrorKind::input, {"map.txt", "line 1"}, [] { labels_from("truth.txt", "3\n", {"a.png"}, "3\n"); });
}

TEST_CASE("csv files name their columns, or have name and label first", "[data]") {
  CHECK(labels_from("l.csv", "ImageId,PredictionString\na,n00000008 1 2 3 4 n00000008 5 6 7 8\nb,n00000007 1 2 3 4\n",
                    {"a.png", "b.png"}) == Labels{1, 0});
  CHECK(labels_from("l.csv", "id,label,filename\n0,4,\"a,b.png\"\n", {"a,b.png"}) == Labels{4});
  CHECK(labels_from("l.CSV", "a.png,4\nb.png,5\n", {"a.png", "b.png"}) == Labels{4, 5});
  require_error(ErrorKind::input, {"line 1 names no columns"}, [] { labels_from("l.csv", "x,y\na,1\n", {"a.png"}); });
  require_error(ErrorKind::input, {"line 2", "1 cells"}, [] { labels_from("l.csv", "name,label\na\n", {"a.png"}); });
}

TEST_CASE("parquet is refused with advice", "[data]") {
  require_error(ErrorKind::input, {"parquet", "one folder per class"},
                [] { labels_from("l.txt", "PAR1 binary", {"a.png"}); });
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
