#include <catch2/catch.hpp>
#include <cstdlib>

#include "nq/image.hpp"

using namespace nq;

TEST_CASE("an encoded picture decodes to nearly the same pixels, from the same bytes each time") {
  Image image{40, 24, {}};
  for (int row = 0; row < image.height; ++row) {
    for (int column = 0; column < image.width; ++column) {
      for (const int value : {4 * column, 8 * row, 100}) image.pixels.push_back(static_cast<std::uint8_t>(value));
    }
  }
  const std::string bytes = encode_jpeg(image, 90);
  REQUIRE(encode_jpeg(image, 90) == bytes);
  const Image decoded = decode_image(std::as_bytes(std::span(bytes)), "memory");
  REQUIRE(decoded.width == image.width);
  REQUIRE(decoded.height == image.height);
  double sum = 0;
  for (std::size_t k = 0; k < image.pixels.size(); ++k) sum += std::abs(int{image.pixels[k]} - int{decoded.pixels[k]});
  REQUIRE(sum / static_cast<double>(image.pixels.size()) < 4);
}
