// Preprocessing JSON of all three formats: refused, or read, written again alike, and applied to an image.

#include "fuzz_support.hpp"
#include "nq/preprocess.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nq;
  fuzz::Bytes bytes(data, size);
  const int height = bytes.below(3) * 16;
  const int width = bytes.below(3) * 16;
  const int image_height = 1 + bytes.below(40);
  const int image_width = 1 + bytes.below(40);
  fuzz::refuse_or([&] {
    const Preprocess read = parse_preprocess(bytes.rest(), "fuzz", height, width);
    const std::string text = preprocess_to_json(read);
    const Preprocess again = parse_preprocess(text, "again", read.height, read.width);
    fuzz::require(preprocess_to_json(again) == text, "a description that was read is written otherwise");
    fuzz::require(!describe(read).empty(), "a description without words");
    if (static_cast<std::int64_t>(read.height) * read.width > 64 * 64 || read.crop_pct < 0.2) return;
    if (read.resize_to && (read.resize_to->height > 256 || read.resize_to->width > 256)) return;
    Image image{image_width, image_height, {}};
    image.pixels.resize(static_cast<std::size_t>(image_width * image_height) * 3, 100);
    std::vector<float> chw(static_cast<std::size_t>(read.height) * static_cast<std::size_t>(read.width) * 3);
    apply_preprocess(image, read, chw);
  });
  return 0;
}
