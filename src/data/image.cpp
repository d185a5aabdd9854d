#include "nq/image.hpp"

#include <array>
#include <string>

#include "core/check.hpp"
#include "core/files.hpp"
#include "data/image_format.hpp"
#include "data/stb_decoder.hpp"

namespace nq {
namespace {

/// Adobe's APP14 segment: version 100, no flags, colour transform 0 (CMYK stored as is).
constexpr std::array<unsigned char, 16> kAdobeSegment = {0xFF, 0xEE, 0,   14, 'A', 'd', 'o', 'b',
                                                         'e',  0,    100, 0,  0,   0,   0,   0};

/// The file with an Adobe segment behind its start marker. Without one, stb_image takes four components
/// for YCbCr and something else, and not for CMYK.
std::vector<std::byte> with_adobe_segment(std::span<const std::byte> bytes) {
  constexpr std::size_t marker_bytes = 2;
  std::vector<std::byte> copy(bytes.begin(), bytes.begin() + marker_bytes);
  for (const unsigned char byte : kAdobeSegment) copy.push_back(std::byte{byte});
  copy.insert(copy.end(), bytes.begin() + marker_bytes, bytes.end());
  return copy;
}

Image decode_checked(std::span<const std::byte> bytes) {
  NQ_CHECK(bytes.size() <= kMaxImageFileBytes, resource, "{} bytes exceed the limit of {}", bytes.size(),
           kMaxImageFileBytes);
  const ImageFacts facts = inspect_image(bytes);
  NQ_CHECK(facts.width > 0 && facts.height > 0, input, "it has {}x{} pixels", facts.width, facts.height);
  NQ_CHECK(facts.width <= kMaxImagePixels / facts.height, resource, "{}x{} pixels exceed the limit of {}",
           facts.width, facts.height, kMaxImagePixels);
  const std::int64_t pixels = facts.width * facts.height;
  if (facts.is_unmarked_cmyk) return stb_decode(with_adobe_segment(bytes), pixels);
  return stb_decode(bytes, pixels);
}

}  // namespace

Image decode_image(std::span<const std::byte> bytes, std::string_view name) {
  try {
    return decode_checked(bytes);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("cannot decode '{}': {}", name, error.message()));
  }
}

Image load_image(const std::filesystem::path& path) {
  const std::string content = read_file(path, kMaxImageFileBytes);
  return decode_image(std::as_bytes(std::span(content)), path.string());
}

}  // namespace nq
