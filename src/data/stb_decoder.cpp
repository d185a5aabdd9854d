#include "data/stb_decoder.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/check.hpp"

namespace nq {
namespace {

thread_local std::size_t allocation_limit = 0;

/// Zeroed, so that what a damaged file leaves unwritten is black and not whatever was in memory.
void* bounded_allocate(std::size_t bytes) {
  return bytes <= allocation_limit ? std::calloc(1, bytes) : nullptr;
}

void* bounded_reallocate(void* block, std::size_t old_bytes, std::size_t bytes) {
  if (bytes > allocation_limit) return nullptr;
  void* grown = std::realloc(block, bytes);
  if (grown != nullptr && bytes > old_bytes) {
    std::memset(static_cast<char*>(grown) + old_bytes, 0, bytes - old_bytes);
  }
  return grown;
}

}  // namespace
}  // namespace nq

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ASSERT(condition) static_cast<void>(0)
#define STBI_MALLOC(bytes) nq::bounded_allocate(bytes)
#define STBI_REALLOC_SIZED(block, old_bytes, bytes) nq::bounded_reallocate(block, old_bytes, bytes)
#define STBI_FREE(block) std::free(block)
#include <stb_image.h>

namespace nq {
namespace {

/// Largest single buffer of an honest file: 16-bit RGBA rows that the inflater may double, JPEG planes
/// padded to whole blocks along edges of at most 65535 pixels, or a copy of the file itself.
std::size_t largest_buffer(std::size_t file_bytes, std::int64_t pixels) {
  constexpr std::size_t padding = std::size_t{16} << 20;
  return 16 * static_cast<std::size_t>(pixels) + 2 * file_bytes + padding;
}

[[noreturn]] void fail_with_reason() {
  const char* reason = stbi_failure_reason();
  const std::string_view text = reason == nullptr ? "corrupt data" : reason;
  fail(ErrorKind::input, "{}", text == "outofmem" ? "its data exceeds its stated size" : text);
}

}  // namespace

Image stb_decode(std::span<const std::byte> bytes, std::int64_t pixels) {
  constexpr int channels = 3;
  allocation_limit = largest_buffer(bytes.size(), pixels);
  Image image;
  const std::unique_ptr<stbi_uc, decltype(&std::free)> decoded(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()),
                            &image.width, &image.height, nullptr, channels),
      &std::free);
  if (decoded == nullptr) fail_with_reason();
  NQ_ASSERT(std::int64_t{image.width} * image.height == pixels);
  image.pixels.assign(decoded.get(), decoded.get() + pixels * channels);
  return image;
}

}  // namespace nq
