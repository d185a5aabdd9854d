// Image bytes: refused, or decoded to the pixels that the size says, and resized by every filter.

#include "fuzz_support.hpp"
#include "nq/image.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nq;
  fuzz::Bytes bytes(data, size);
  const int width = 1 + bytes.below(64);
  const int height = 1 + bytes.below(64);
  const auto filter = static_cast<Interpolation>(bytes.below(6));
  const std::string file = bytes.rest();
  fuzz::refuse_or([&] {
    const Image image = decode_image(std::as_bytes(std::span(file)), "fuzz");
    fuzz::require(image.width > 0 && image.height > 0, "an image without pixels");
    const auto pixels = static_cast<std::int64_t>(image.width) * image.height;
    fuzz::require(pixels <= kMaxImagePixels, "an image above the limit");
    fuzz::require(static_cast<std::int64_t>(image.pixels.size()) == 3 * pixels, "an image of the wrong size");
    if (pixels > 512 * 512) return;  // slow, and no other code
    const Image small = resize(image, width, height, filter);
    fuzz::require(small.pixels.size() == static_cast<std::size_t>(3 * width * height), "resize to the wrong size");
  });
  return 0;
}
