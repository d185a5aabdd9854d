#include "core/check.hpp"
#include "nq/image.hpp"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

namespace nq {

std::string encode_jpeg(const Image& image, int quality) {
  constexpr int channels = 3;
  std::string bytes;
  const auto append = [](void* context, void* data, int size) {
    static_cast<std::string*>(context)->append(static_cast<const char*>(data), static_cast<std::size_t>(size));
  };
  const int written =
      stbi_write_jpg_to_func(append, &bytes, image.width, image.height, channels, image.pixels.data(), quality);
  NQ_CHECK(written != 0, internal, "a JPEG of {}x{} pixels could not be written", image.width, image.height);
  return bytes;
}

}  // namespace nq
