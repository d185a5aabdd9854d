#include "nq/class_view.hpp"

#include "data_test_support.hpp"

using namespace nq;
using namespace nq::test;

namespace {

std::vector<float> selected(const ClassView& view, const std::vector<float>& logits) {
  std::vector<float> storage;
  const auto span = view.select(logits, storage);
  return {span.begin(), span.end()};
}

using Floats = std::vector<float>;

}  // namespace

TEST_CASE("by default every output is a class", "[data]") {
  const ClassView view;
  CHECK(view.num_classes(1000) == 1000);
  CHECK(selected(view, {1, 2, 3}) == Floats{1, 2, 3});
  CHECK_NOTHROW(view.check_labels(1000, 999));
  CHECK_NOTHROW(view.check_labels(6, 3));
  CHECK_NOTHROW(view.check_labels(1001, 1000));
  CHECK_NOTHROW(view.check_labels(21843, 20000));
}

TEST_CASE("a head whose classes are unclear is not guessed at", "[data]") {
  require_error(ErrorKind::usage, {"1001 outputs", "--class-offset 1"}, [] { ClassView().check_labels(1001, 999); });
  require_error(ErrorKind::usage, {"21843 outputs", "--class-map"}, [] { ClassView().check_labels(21843, 999); });
  CHECK_NOTHROW(ClassView::with_offset(0).check_labels(1001, 999));
  CHECK_NOTHROW(ClassView::with_offset(1).check_labels(1001, 999));
}

TEST_CASE("an offset leaves the outputs before it out", "[data]") {
  const ClassView view = ClassView::with_offset(1);
  CHECK(view.num_classes(1001) == 1000);
  CHECK(selected(view, {9, 2, 3}) == Floats{2, 3});
  require_error(ErrorKind::usage, {"3 outputs"}, [] { (void)ClassView::with_offset(3).num_classes(3); });
}

TEST_CASE("a map names the output of every class, by number or by WordNet id", "[data]") {
  const TempFolder folder;
  const ClassView by_number = ClassView::from_file(folder.write("map.txt", "4\n0\n2\n"), std::nullopt);
  CHECK(by_number.num_classes(5) == 3);
  CHECK(selected(by_number, {10, 11, 12, 13, 14}) == Floats{14, 10, 12});
  require_error(ErrorKind::usage, {"output 4", "has 4"}, [&] { (void)by_number.num_classes(4); });

  const auto outputs = folder.write("21k.txt", "n00000005\nn00000001 a\nn00000009\nn00000003\n");
  const auto classes = folder.write("synset.txt", "n00000003 x, y\nn00000005\n");
  const ClassView by_id = ClassView::from_file(outputs, classes);
  CHECK(selected(by_id, {10, 11, 12, 13}) == Floats{13, 10});
  require_error(ErrorKind::usage, {"21k.txt", "--synset"}, [&] { ClassView::from_file(outputs, std::nullopt); });
  const auto other = folder.write("other.txt", "n00000004\n");
  require_error(ErrorKind::input, {"class 0 ('n00000004'"}, [&] { ClassView::from_file(outputs, other); });
  require_error(ErrorKind::input, {"line 2", "'x'"}, [&] { ClassView::from_file(folder.write("bad.txt", "1\nx\n"), std::nullopt); });
  require_error(ErrorKind::input, {"empty"}, [&] { ClassView::from_file(folder.write("none.txt", ""), std::nullopt); });
}
