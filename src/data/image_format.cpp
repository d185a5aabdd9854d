#include "data/image_format.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/check.hpp"
#include "data/byte_reader.hpp"

namespace nq {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1A\n"sv;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Name of a format that is recognized but not decoded, else "".
std::string_view foreign_format(std::string_view content) {
  if (content.starts_with("GIF8")) return "GIF";
  if (content.starts_with("RIFF") && content.substr(0, 12).ends_with("WEBP")) return "WebP";
  if (content.starts_with("II*\0"sv) || content.starts_with("MM\0*"sv)) return "TIFF";
  if (content.substr(0, 12).substr(std::min<std::size_t>(4, content.size())).starts_with("ftyp")) {
    return "HEIF or AVIF";
  }
  return {};
}

std::string printable_start(std::string_view content) {
  std::string start;
  for (const char c : content.substr(0, 12)) {
    start += std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '.';
  }
  return start;
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) {
      remainder = remainder >> 1 ^ ((remainder & 1U) != 0 ? 0xEDB88320U : 0U);
    }
    table[byte] = remainder;
  }
  return table;
}

/// CRC-32 of PNG chunks (PNG specification, annex D).
std::uint32_t crc32(std::span<const std::byte> bytes) {
  static constexpr auto table = make_crc_table();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::byte byte : bytes) {
    crc = crc >> 8 ^ table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU];
  }
  return ~crc;
}

}  // namespace

ImageFacts inspect_image(std::span<const std::byte> bytes) {
  const std::string_view content = text_of(bytes);
  if (content.starts_with("\xFF\xD8\xFF"sv)) return inspect_jpeg(bytes);
  if (content.starts_with(kPngSignature)) return inspect_png(bytes);
  if (content.starts_with("BM"sv)) return inspect_bmp(bytes);
  NQ_CHECK(!content.empty(), input, "the file is empty");
  const std::string_view foreign = foreign_format(content);
  NQ_CHECK(foreign.empty(), input, "{} is not supported; convert it to PNG or JPEG", foreign);
  fail(ErrorKind::input, "not a JPEG, PNG or BMP image (it begins with '{}')", printable_start(content));
}

ImageFacts inspect_png(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  reader.skip(kPngSignature.size());
  ImageFacts facts;
  bool has_data = false;
  for (bool is_first = true;; is_first = false) {
    const std::uint32_t length = reader.u32_be();
    NQ_CHECK(length <= reader.remaining(), input, "truncated file");
    const auto type_and_data = reader.take(std::size_t{length} + 4);
    const std::string_view type = text_of(type_and_data.first(4));
    NQ_CHECK(std::all_of(type.begin(), type.end(),
                         [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }),
             input, "corrupt PNG chunk at byte {}", reader.position() - length - 4);
    NQ_CHECK(reader.u32_be() == crc32(type_and_data), input, "PNG chunk {} has a wrong checksum", type);
    NQ_CHECK(is_first == (type == "IHDR"), input, "PNG chunk {} is out of place", type);
    // An upper-case first letter marks a chunk that no reader may ignore.
    const bool is_critical = std::isupper(static_cast<unsigned char>(type[0])) != 0;
    const bool is_known = type == "IHDR" || type == "PLTE" || type == "IDAT" || type == "IEND";
    NQ_CHECK(!is_critical || is_known, input, "PNG chunk {} is not supported", type);
    if (is_first) {
      ByteReader header(type_and_data.subspan(4));
      facts.width = header.u32_be();
      facts.height = header.u32_be();
    }
    has_data = has_data || type == "IDAT";
    if (type == "IEND") break;
  }
  NQ_CHECK(has_data, input, "PNG without image data");
  return facts;
}

ImageFacts inspect_bmp(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  reader.skip(10);
  const std::uint64_t data_offset = reader.u32_le();
  const std::uint64_t header_bytes = reader.u32_le();
  const bool is_core_header = header_bytes == 12;
  const auto read_extent = [&]() -> std::int64_t {
    if (is_core_header) return reader.u16_le();
    return static_cast<std::int32_t>(reader.u32_le());
  };
  const std::int64_t width = read_extent();
  // Negative when the rows go from top to bottom.
  const std::int64_t signed_height = read_extent();
  const std::int64_t height = std::abs(signed_height);
  reader.skip(2);
  const std::uint32_t bits = reader.u16_le();
  const std::uint32_t compression = is_core_header ? 0 : reader.u32_le();
  NQ_CHECK(width > 0 && height > 0 && signed_height > INT32_MIN, input, "BMP of {}x{} pixels", width,
           signed_height);
  NQ_CHECK(!is_core_header || bits == 24, input, "OS/2 BMP with a palette is not supported");
  NQ_CHECK(compression == 0 || compression == 3, input, "compressed BMP is not supported");
  NQ_CHECK(bits == 1 || bits == 4 || bits == 8 || bits == 16 || bits == 24 || bits == 32, input,
           "BMP with {} bits per pixel", bits);
  NQ_CHECK(data_offset >= 14 + header_bytes, input, "BMP pixel rows overlap the header");
  const std::uint64_t row_bits = static_cast<std::uint64_t>(width) * bits;
  const auto rows = static_cast<std::uint64_t>(height);
  // The padding of the last row is not needed to read it.
  const std::uint64_t needed = data_offset + (row_bits + 31) / 32 * 4 * (rows - 1) + (row_bits + 7) / 8;
  NQ_CHECK(needed <= bytes.size(), input, "truncated file");
  return {width, height};
}

}  // namespace nq
