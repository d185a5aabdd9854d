#include "nq/image.hpp"

#include "data_test_support.hpp"
#include "support/shared_data.hpp"

using namespace nq;
using namespace nq::test;

TEST_CASE("every kind of image decodes to Pillow's RGB", "[data]") {
  GoldenReader golden("images.bin");
  int cases = 0;
  for (; !golden.at_end(); ++cases) {
    const std::string name = golden.bytes(static_cast<std::size_t>(golden.integer()));
    const int tolerance = golden.integer();
    const std::string file = golden.bytes(static_cast<std::size_t>(golden.integer()));
    const int width = golden.integer();
    const Image expected = golden.image(width, golden.integer());
    INFO(name);
    const Image actual = decode(file, name);
    REQUIRE(actual.width == expected.width);
    REQUIRE(actual.height == expected.height);
    int largest = 0;
    for (std::size_t at = 0; at < actual.pixels.size(); ++at) {
      largest = std::max(largest, std::abs(int{actual.pixels[at]} - int{expected.pixels[at]}));
    }
    CHECK(largest <= tolerance);
  }
  CHECK(cases >= 30);
}

TEST_CASE("alpha is dropped, not blended", "[data]") {
  GoldenReader golden("images.bin");
  std::optional<Image> opaque, transparent;
  while (!golden.at_end()) {
    const std::string name = golden.bytes(static_cast<std::size_t>(golden.integer()));
    golden.integer();
    const std::string file = golden.bytes(static_cast<std::size_t>(golden.integer()));
    const int width = golden.integer();
    golden.image(width, golden.integer());
    if (name == "rgb.png") opaque = decode(file);
    if (name == "alpha.png") transparent = decode(file);
  }
  REQUIRE(opaque.has_value());
  REQUIRE(transparent.has_value());
  CHECK(opaque->pixels == transparent->pixels);
}

TEST_CASE("the format is told by content, not by name", "[data]") {
  const TempFolder folder;
  const Image image = make_image(5, 3);
  const auto path = folder.write("actually_bmp.jpg", encode_bmp(image));
  CHECK(load_image(path).pixels == image.pixels);
}

TEST_CASE("an image file that is not there or is a folder is an input error", "[data]") {
  const TempFolder folder;
  require_error(ErrorKind::input, {"absent.png"}, [&] { load_image(folder.path() / "absent.png"); });
  std::filesystem::create_directory(folder.path() / "x.png");
  require_error(ErrorKind::input, {"x.png"}, [&] { load_image(folder.path() / "x.png"); });
}

TEST_CASE("all shared evaluation images decode", "[data][shared]") {
  const auto folder = shared_data("data/images/eval");
  if (!folder) return;
  int images = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    if (entry.path().extension() != ".JPEG") continue;
    const Image image = load_image(entry.path());
    REQUIRE(image.pixels.size() ==
            static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3);
    ++images;
  }
  CHECK(images == 375);
}
