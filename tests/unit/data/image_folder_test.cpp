#include "nq/image_folder.hpp"

#include <algorithm>
#include <set>

#include "core/hash.hpp"
#include "data_test_support.hpp"
#include "support/shared_data.hpp"

using namespace nq;
using namespace nq::test;

namespace {

std::vector<std::string> names_of(const std::vector<Sample>& samples) {
  std::vector<std::string> names;
  for (const Sample& sample : samples) names.push_back(sample.name);
  return names;
}

std::vector<std::int64_t> labels_of(const ImageFolder& folder) {
  std::vector<std::int64_t> labels;
  for (const Sample& sample : folder.samples()) labels.push_back(sample.label.value_or(-1));
  return labels;
}

using Names = std::vector<std::string>;
using Labels = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("images are listed by the bytes of their names", "[data]") {
  const TempFolder root;
  for (const char* name : {"b.png", "B.JPG", "a/z.jpeg", "a.bmp", "a/1/deep.PNG", "\xC3\xA9.png"})
    root.write(name, "x");
  root.write("notes.txt", "x");
  root.write("a/readme.md", "x");
  root.write(".hidden.png", "x");
  root.write(".cache/c.png", "x");
  root.write("a/.thumb/t.png", "x");
  const ImageFolder folder = ImageFolder::open(root.path());
  CHECK(names_of(folder.samples()) ==
        Names{"B.JPG", "a.bmp", "a/1/deep.PNG", "a/z.jpeg", "b.png", "\xC3\xA9.png"});
  CHECK(folder.samples()[3].path == root.path() / "a" / "z.jpeg");
  CHECK(folder.num_other_files() == 2);
  CHECK(folder.num_labelled() == 0);
  CHECK(folder.label_source() == "none");
}

TEST_CASE("folders that give no images are input errors that say why", "[data][hostile]") {
  const TempFolder root;
  require_error(ErrorKind::input, {"does not exist"}, [&] { ImageFolder::open(root.path() / "absent"); });
  require_error(ErrorKind::input, {"no images", "0 other files"}, [&] { ImageFolder::open(root.path()); });
  const auto file = root.write("a.txt", "x");
  root.write("sub/b.txt", "x");
  require_error(ErrorKind::input, {"no images", "2 other files"}, [&] { ImageFolder::open(root.path()); });
  require_error(ErrorKind::input, {"is not a folder"}, [&] { ImageFolder::open(file); });
}

TEST_CASE("links are followed, but not in circles", "[data][hostile]") {
  const TempFolder root, elsewhere;
  root.write("a/one.png", "x");
  elsewhere.write("two.png", "x");
  std::filesystem::create_directory_symlink(root.path(), root.path() / "a" / "up");
  std::filesystem::create_directory_symlink(root.path() / "a", root.path() / "a" / "self");
  std::filesystem::create_directory_symlink(elsewhere.path(), root.path() / "b");
  std::filesystem::create_symlink(root.path() / "nowhere", root.path() / "dangling.png");
  const ImageFolder folder = ImageFolder::open(root.path());
  CHECK(names_of(folder.samples()) == Names{"a/one.png", "b/two.png", "dangling.png"});
}

TEST_CASE("a labels file comes first", "[data]") {
  const TempFolder root;
  root.write("x/a.png", "x");
  root.write("y/b.png", "x");
  root.write("labels.txt", "a.png 7\nother.png 1\n");
  const ImageFolder found = ImageFolder::open(root.path());
  CHECK(labels_of(found) == Labels{7, -1});
  CHECK(found.num_labelled() == 1);
  CHECK(found.num_unmatched_labels() == 1);
  CHECK(found.num_other_files() == 0);
  CHECK(found.label_source() == "labels file '" + (root.path() / "labels.txt").string() + "'");
  const auto given = root.write("given.txt", "b 5\n");
  CHECK(labels_of(ImageFolder::open(root.path(), {given, std::nullopt})) == Labels{-1, 5});
  require_error(ErrorKind::input, {"absent.txt"}, [&] {
    ImageFolder::open(root.path(), {root.path() / "absent.txt", std::nullopt});
  });
}

TEST_CASE("class folders are numbered in sorted order, empty ones too", "[data]") {
  const TempFolder root;
  root.write("dog/1.png", "x");
  root.write("cat/1.png", "x");
  root.write("cat/more/2.png", "x");
  std::filesystem::create_directory(root.path() / "cow");
  std::filesystem::create_directory(root.path() / ".git");
  const ImageFolder folder = ImageFolder::open(root.path());
  CHECK(labels_of(folder) == Labels{0, 0, 2});
  CHECK(folder.label_source() == "class folders in sorted order");
}

TEST_CASE("one folder, or images beside folders, are no classes", "[data]") {
  const TempFolder root;
  root.write("only/1.png", "x");
  CHECK(ImageFolder::open(root.path()).num_labelled() == 0);
  root.write("second/1.png", "x");
  root.write("beside.png", "x");
  CHECK(ImageFolder::open(root.path()).num_labelled() == 0);
}

TEST_CASE("a synset file gives class folders and file names their index", "[data]") {
  const TempFolder root;
  root.write("synset_words.txt", "n00000001 a\nn00000002 b\nn00000003 c\n");
  root.write("by_folder/n00000003/1.png", "x");
  root.write("by_folder/n00000001/1.png", "x");
  const ImageFolder by_folder = ImageFolder::open(root.path() / "by_folder");
  CHECK(labels_of(by_folder) == Labels{0, 2});
  CHECK(by_folder.label_source().starts_with("class folders by '"));
  root.write("by_name/n00000002_x.png", "x");
  root.write("by_name/n00000003.jpg", "x");
  const ImageFolder by_name = ImageFolder::open((root.path() / "by_name").string() + "/");
  CHECK(labels_of(by_name) == Labels{1, 2});
  CHECK(by_name.label_source() == "file names by '" + (root.path() / "synset_words.txt").string() + "'");
  root.write("by_name/plain.jpg", "x");
  CHECK(labels_of(ImageFolder::open(root.path() / "by_name")) == Labels{1, 2, -1});
  root.write("by_folder/n00000009/1.png", "x");
  require_error(ErrorKind::input, {"'n00000009' is not in"},
                [&] { ImageFolder::open(root.path() / "by_folder"); });
}

TEST_CASE("a synset file that was asked for must fit", "[data]") {
  const TempFolder root;
  root.write("images/cat/1.png", "x");
  root.write("images/dog/1.png", "x");
  const auto classes = root.write("classes.txt", "dog\nbird\ncat\n");
  CHECK(labels_of(ImageFolder::open(root.path() / "images", {std::nullopt, classes})) == Labels{2, 0});
  const auto other = root.write("other.txt", "car\nbus\n");
  require_error(ErrorKind::input, {"other.txt"}, [&] {
    ImageFolder::open(root.path() / "images", {std::nullopt, other});
  });
}

TEST_CASE("a selection depends on the seed and the names alone", "[data]") {
  const TempFolder first, second;
  for (int number = 0; number < 40; ++number) first.write("i" + std::to_string(number) + ".png", "x");
  for (int number = 39; number >= 0; --number) second.write("i" + std::to_string(number) + ".png", "x");
  const ImageFolder folder = ImageFolder::open(first.path());
  const auto chosen = folder.select(10, 5);
  CHECK(chosen.size() == 10);
  CHECK(std::is_sorted(chosen.begin(), chosen.end(),
                       [](const Sample& left, const Sample& right) { return left.name < right.name; }));
  CHECK(names_of(ImageFolder::open(second.path()).select(10, 5)) == names_of(chosen));
  CHECK(names_of(folder.select(10, 6)) != names_of(chosen));
  const Names more = names_of(folder.select(20, 5));
  for (const std::string& name : names_of(chosen)) CHECK(std::count(more.begin(), more.end(), name) == 1);
  CHECK(folder.select(0, 5).size() == 40);
  CHECK(folder.select(1000, 5).size() == 40);
  require_error(ErrorKind::usage, {"-1"}, [&] { folder.select(-1, 5); });
}

TEST_CASE("a selection reaches every image for some seed", "[data]") {
  const TempFolder root;
  for (int number = 0; number < 12; ++number) root.write("i" + std::to_string(number) + ".png", "x");
  const ImageFolder folder = ImageFolder::open(root.path());
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    for (const Sample& sample : folder.select(2, seed)) seen.insert(sample.name);
  }
  CHECK(seen.size() == 12);
}

TEST_CASE("the list digest is that of sha256sum's output in name order", "[data]") {
  const TempFolder root;
  root.write("b.png", "two");
  root.write("a/c.png", "one");
  const ImageFolder folder = ImageFolder::open(root.path());
  const std::string expected =
      sha256_hex(sha256_hex("one") + "  a/c.png\n" + sha256_hex("two") + "  b.png\n");
  CHECK(list_sha256(folder.samples()) == expected);
  std::vector<Sample> reversed(folder.samples().rbegin(), folder.samples().rend());
  CHECK(list_sha256(reversed) == expected);
  root.write("b.png", "2");
  CHECK(list_sha256(folder.samples()) != expected);
  std::filesystem::remove(root.path() / "b.png");
  require_error(ErrorKind::input, {"b.png"}, [&] { list_sha256(folder.samples()); });
}

TEST_CASE("the shared image folders have all their labels", "[data][shared]") {
  const auto images = shared_data("data/images");
  if (!images) return;
  const ImageFolder eval = ImageFolder::open(*images / "eval");
  CHECK(eval.samples().size() == 375);
  CHECK(eval.num_labelled() == 375);
  CHECK(eval.num_unmatched_labels() == 0);
  // Without the list the file names and the synset file say the same.
  const TempFolder copy;
  std::filesystem::create_directory(copy.path() / "eval");
  for (const Sample& sample : eval.samples()) {
    std::filesystem::create_symlink(std::filesystem::absolute(sample.path),
                                    copy.path() / "eval" / sample.name);
  }
  const ImageFolder by_name =
      ImageFolder::open(copy.path() / "eval", {std::nullopt, *images / "synset_words.txt"});
  CHECK(labels_of(by_name) == labels_of(eval));
}
