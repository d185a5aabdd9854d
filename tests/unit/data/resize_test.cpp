#include "data/resize.hpp"

#include "data_test_support.hpp"

using namespace nq;
using namespace nq::test;

TEST_CASE("resize gives the bytes of Pillow", "[data]") {
  GoldenReader golden("resize.bin");
  std::vector<Image> images;
  for (int remaining = golden.integer(); remaining > 0; --remaining) {
    const int width = golden.integer();
    images.push_back(golden.image(width, golden.integer()));
  }
  const int cases = golden.integer();
  REQUIRE(cases > 20);
  for (int number = 0; number < cases; ++number) {
    const Image& image = images.at(static_cast<std::size_t>(golden.integer()));
    const int width = golden.integer();
    const int height = golden.integer();
    const auto interpolation = static_cast<Interpolation>(golden.integer());
    const Image expected = golden.image(width, height);
    INFO(image.width << "x" << image.height << " to " << width << "x" << height << " "
                     << to_string(interpolation));
    const Image actual = resize(image, width, height, interpolation);
    CHECK(actual.width == width);
    CHECK(actual.height == height);
    CHECK(actual.pixels == expected.pixels);
  }
  CHECK(golden.at_end());
}

TEST_CASE("a window equals the same part of the whole resized image", "[data]") {
  const Image image = make_image(61, 43);
  // Both pass orders, both directions, an axis that keeps its size, no resize at all.
  const std::array<std::array<int, 2>, 6> sizes = {
      {{30, 21}, {130, 90}, {61, 20}, {25, 43}, {90, 20}, {61, 43}}};
  for (const auto& [width, height] : sizes) {
    for (const auto interpolation :
         {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic}) {
      const Image whole = resize(image, width, height, interpolation);
      const Window window{width / 3, height / 4, width / 2, height / 2};
      const Image part = resize_window(image, width, height, interpolation, window);
      REQUIRE(part.width == window.width);
      REQUIRE(part.height == window.height);
      bool is_equal = true;
      for (int y = 0; y < part.height; ++y) {
        const auto* expected = whole.pixels.data() + ((window.top + y) * width + window.left) * 3;
        is_equal =
            is_equal && std::equal(expected, expected + part.width * 3,
                                   part.pixels.data() + static_cast<std::ptrdiff_t>(y) * part.width * 3);
      }
      INFO(width << "x" << height << " " << to_string(interpolation));
      CHECK(is_equal);
    }
  }
}

TEST_CASE("resizing a constant image keeps the constant", "[data]") {
  Image image{37, 23, {}};
  image.pixels.assign(37 * 23 * 3, 201);
  for (const auto interpolation : {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic,
                                   Interpolation::lanczos, Interpolation::box, Interpolation::hamming}) {
    for (const int size : {1, 5, 23, 64}) {
      const Image resized = resize(image, size, size, interpolation);
      CHECK(resized.pixels == std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * 3), 201));
    }
  }
}

TEST_CASE("a narrow window of an enormous resize costs only the window", "[data]") {
  // The whole result would have 2^24 x 64 pixels: 3 GB.
  const Image image = make_image(1 << 18, 1);
  const Window window{(1 << 23) - 8, 24, 16, 16};
  const Image part = resize_window(image, 1 << 24, 64, Interpolation::bicubic, window);
  CHECK(part.pixels.size() == 16 * 16 * 3);
}

TEST_CASE("resize refuses sizes that are not positive and windows outside", "[data]") {
  const Image image = make_image(4, 4);
  require_error(ErrorKind::internal, {}, [&] { resize(image, 0, 4, Interpolation::bicubic); });
  require_error(ErrorKind::internal, {}, [&] { resize(Image{}, 4, 4, Interpolation::bicubic); });
  require_error(ErrorKind::internal, {}, [&] {
    resize_window(image, 8, 8, Interpolation::bicubic, {4, 0, 5, 8});
  });
}
