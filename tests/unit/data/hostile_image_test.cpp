#include <map>

#include "data_test_support.hpp"
#include "nq/image.hpp"

using namespace nq;
using namespace nq::test;

namespace {

/// The golden files by name.
const std::map<std::string, std::string>& golden_files() {
  static const std::map<std::string, std::string> files = [] {
    std::map<std::string, std::string> result;
    GoldenReader golden("images.bin");
    while (!golden.at_end()) {
      const std::string name = golden.bytes(static_cast<std::size_t>(golden.integer()));
      golden.integer();
      result[name] = golden.bytes(static_cast<std::size_t>(golden.integer()));
      const int width = golden.integer();
      golden.image(width, golden.integer());
    }
    return result;
  }();
  return files;
}

void require_image_rejected(const std::string& content, std::initializer_list<std::string_view> texts,
                      ErrorKind kind = ErrorKind::input) {
  const Error error = require_error(kind, texts, [&] { decode(content, "bad.img"); });
  CHECK(error.message().find("bad.img") != std::string::npos);
}

void put_be32(std::string& content, std::size_t at, std::uint32_t value) {
  for (std::size_t byte = 0; byte < 4; ++byte) {
    content[at + byte] = static_cast<char>(value >> (24 - 8 * byte) & 0xFFU);
  }
}

/// Makes the checksum of the PNG chunk at `at` right again.
void fix_checksum(std::string& content, std::size_t at) {
  std::uint32_t length = 0;
  for (std::size_t byte = 0; byte < 4; ++byte)
    length = length << 8 | static_cast<unsigned char>(content[at + byte]);
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::size_t i = at + 4; i < at + 8 + length; ++i) {
    crc ^= static_cast<unsigned char>(content[i]);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  put_be32(content, at + 8 + length, ~crc);
}

constexpr std::size_t kPngHeaderChunk = 8;

std::string png_of_size(std::uint32_t width, std::uint32_t height) {
  std::string content = golden_files().at("rgb.png");
  put_be32(content, kPngHeaderChunk + 8, width);
  put_be32(content, kPngHeaderChunk + 12, height);
  fix_checksum(content, kPngHeaderChunk);
  return content;
}

std::size_t find_marker(const std::string& jpeg, unsigned char marker) {
  const std::string pattern = {'\xFF', static_cast<char>(marker)};
  const std::size_t at = jpeg.find(pattern);
  REQUIRE(at != std::string::npos);
  return at;
}

std::size_t segment_length(const std::string& jpeg, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(jpeg[at + 2]) << 8 |
                                  static_cast<unsigned char>(jpeg[at + 3]));
}

}  // namespace

TEST_CASE("content that is no supported image is refused with what it looks like", "[data][hostile]") {
  require_image_rejected("", {"the file is empty"});
  require_image_rejected("hello, this is text\n", {"not a JPEG, PNG or BMP image", "hello, this"});
  require_image_rejected(std::string("\0\0\0\0", 4), {"not a JPEG"});
  require_image_rejected("GIF89a", {"GIF is not supported"});
  require_image_rejected(std::string("RIFF\x10\0\0\0WEBPVP8 ", 16), {"WebP is not supported"});
  require_image_rejected(std::string("II*\0\x08\0\0\0", 8), {"TIFF is not supported"});
  require_image_rejected(std::string("\0\0\0\x1c"
                               "ftypheic",
                               12),
                   {"HEIF or AVIF is not supported"});
}

TEST_CASE("every proper prefix of every kind of image is refused", "[data][hostile]") {
  for (const auto& [name, content] : golden_files()) {
    INFO(name);
    std::size_t accepted = 0;
    for (std::size_t length = 0; length < content.size(); ++length) {
      try {
        decode(content.substr(0, length), name);
        ++accepted;
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::input) FAIL(error.full_text());
      }
    }
    // The padding of a BMP's last row is not needed.
    CHECK(accepted <= (name.ends_with(".bmp") ? 3U : 0U));
  }
}

TEST_CASE("a flipped bit anywhere in a PNG is refused", "[data][hostile]") {
  const std::string& content = golden_files().at("palette.png");
  for (std::size_t at = 0; at < content.size(); ++at) {
    std::string changed = content;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    INFO("byte " << at);
    CHECK_THROWS_AS(decode(changed), Error);
  }
}

TEST_CASE("changed bytes never crash the decoder and give the same result twice", "[data][hostile]") {
  std::uint32_t state = 12345;
  const auto draw = [&state](std::size_t below) {
    state = state * 1664525U + 1013904223U;
    return static_cast<std::size_t>(state >> 8) % below;
  };
  for (const auto& [name, content] : golden_files()) {
    for (int round = 0; round < 150; ++round) {
      std::string changed = content;
      for (std::size_t edits = 1 + draw(6); edits > 0; --edits) {
        changed[draw(changed.size())] = static_cast<char>(draw(256));
      }
      INFO(name << " round " << round);
      try {
        const Image first = decode(changed);
        CHECK(first.pixels == decode(changed).pixels);
      } catch (const Error& error) {
        CHECK((error.kind() == ErrorKind::input || error.kind() == ErrorKind::resource));
      }
    }
  }
}

TEST_CASE("absurd sizes are refused before memory is taken", "[data][hostile]") {
  require_image_rejected(png_of_size(60000, 60000), {"60000x60000 pixels exceed the limit"}, ErrorKind::resource);
  require_image_rejected(png_of_size(0x7FFFFFFF, 0x7FFFFFFF), {"exceed the limit"}, ErrorKind::resource);
  require_image_rejected(png_of_size(0, 9), {"0x9 pixels"});
  std::string bmp = encode_bmp(make_image(4, 4));
  for (const std::size_t at : {18U, 22U}) {
    std::string changed = bmp;
    changed.replace(at, 4, std::string("\xFF\xFF\xFF\x7F", 4));
    require_image_rejected(changed, {"truncated file"});
    changed.replace(at, 4, std::string("\0\0\0\x80", 4));
    require_image_rejected(changed, {"BMP of"});
    changed.replace(at, 4, std::string(4, '\0'));
    require_image_rejected(changed, {"BMP of"});
  }
  std::string jpeg = golden_files().at("444.jpg");
  const std::size_t frame = find_marker(jpeg, 0xC0);
  jpeg.replace(frame + 5, 4, "\xFF\xFF\xFF\xFF");
  require_image_rejected(jpeg, {"65535x65535 pixels exceed the limit"}, ErrorKind::resource);
  jpeg.replace(frame + 5, 4, std::string(4, '\0'));
  require_image_rejected(jpeg, {"0x0 pixels"});
}

namespace {

/// Bits in deflate's order: the lowest bit of a byte first.
class BitWriter {
 public:
  /// Appends `count` bits of `code`, the highest first, as Huffman codes are written.
  void code(unsigned code, int count) {
    for (int bit = count - 1; bit >= 0; --bit) {
      if (used_ == 0) bytes += '\0';
      bytes.back() = static_cast<char>(bytes.back() | static_cast<char>((code >> bit & 1U) << used_));
      used_ = (used_ + 1) % 8;
    }
  }
  std::string bytes;

 private:
  int used_ = 0;
};

/// A zlib stream of `runs` * 258 zeros in 13 bits per run, by deflate's fixed codes (RFC 1951, 3.2.6).
std::string zlib_bomb(int runs) {
  BitWriter bits;
  bits.code(1, 1);           // last block
  bits.code(0b10, 2);        // fixed codes, low bit first
  bits.code(0b00110000, 8);  // literal 0
  for (int run = 0; run < runs; ++run) {
    bits.code(0b11000101, 8);  // length 258
    bits.code(0, 5);           // distance 1
  }
  bits.code(0, 7);  // end of block
  const std::string unread_checksum(4, '\0');
  return "\x78\x01" + bits.bytes + unread_checksum;
}

std::string png_with_data(const std::string& zlib) {
  const std::string& good = golden_files().at("rgb.png");
  const std::size_t data = good.find("IDAT") - 4;
  std::string content = good.substr(0, data) + std::string(4, '\0') + "IDAT" + zlib + std::string(4, '\0');
  put_be32(content, data, static_cast<std::uint32_t>(zlib.size()));
  fix_checksum(content, data);
  return content + good.substr(good.find("IEND") - 4);
}

}  // namespace

TEST_CASE("a PNG that inflates to far more than its size is refused", "[data][hostile]") {
  // 13x9 pixels need 360 bytes; two runs hold enough, and 250 thousand are 64 MB from half a megabyte.
  CHECK(decode(png_with_data(zlib_bomb(2))).width == 13);
  require_image_rejected(png_with_data(zlib_bomb(250'000)), {"its data exceeds its stated size"});
  require_image_rejected(png_with_data(zlib_bomb(1)), {"not enough pixels"});
}

TEST_CASE("damaged PNG containers are refused", "[data][hostile]") {
  const std::string& good = golden_files().at("rgb.png");
  const std::size_t data = good.find("IDAT") - 4;
  const std::size_t end = good.find("IEND") - 4;
  require_image_rejected(good.substr(0, data) + good.substr(end), {"without image data"});
  require_image_rejected(good.substr(0, 8) + good.substr(data), {"IDAT is out of place"});
  require_image_rejected(good.substr(0, data) + good.substr(8), {"IHDR is out of place"});
  std::string unknown = good.substr(0, data) + std::string(4, '\0') + "QUAD" + std::string(4, '\0');
  fix_checksum(unknown, data);
  require_image_rejected(unknown + good.substr(data), {"QUAD is not supported"});
  std::string huge_chunk = good;
  put_be32(huge_chunk, data, 0xFFFFFFFFU);
  require_image_rejected(huge_chunk, {"truncated file"});
}

TEST_CASE("JPEG tables that would overrun the decoder are refused", "[data][hostile]") {
  const std::string& good = golden_files().at("444.jpg");
  SECTION("a Huffman table of 4080 codes") {
    const std::size_t at = find_marker(good, 0xC4);
    std::string table = std::string("\xFF\xC4", 2);
    const std::size_t length = 2 + 17 + 4080;
    table += static_cast<char>(length >> 8);
    table += static_cast<char>(length & 0xFFU);
    table += '\0';
    table += std::string(16, '\xFF') + std::string(4080, 'x');
    require_image_rejected(good.substr(0, at) + table + good.substr(at), {"Huffman table with 4080 codes"});
  }
  SECTION("a table longer than its segment") {
    std::string changed = good;
    changed[find_marker(good, 0xC4) + 5] = '\x70';
    CHECK_THROWS_AS(decode(changed), Error);
  }
  SECTION("no Huffman tables") {
    std::string changed = good;
    for (std::size_t at = changed.find("\xFF\xC4"); at != std::string::npos; at = changed.find("\xFF\xC4")) {
      changed.erase(at, 2 + segment_length(changed, at));
    }
    require_image_rejected(changed, {"undefined Huffman table"});
  }
  SECTION("no quantization tables") {
    std::string changed = good;
    for (std::size_t at = changed.find("\xFF\xDB"); at != std::string::npos; at = changed.find("\xFF\xDB")) {
      changed.erase(at, 2 + segment_length(changed, at));
    }
    require_image_rejected(changed, {"undefined quantization table"});
  }
  SECTION("no scan") {
    const std::size_t scan = find_marker(good, 0xDA);
    require_image_rejected(good.substr(0, scan) + "\xFF\xD9", {"has no data"});
  }
  SECTION("two frames") {
    const std::size_t at = find_marker(good, 0xC0);
    const std::string frame = good.substr(at, 2 + segment_length(good, at));
    require_image_rejected(good.substr(0, at) + frame + good.substr(at), {"two frames"});
  }
  SECTION("arithmetic coding and 12 bits") {
    const std::size_t at = find_marker(good, 0xC0);
    std::string changed = good;
    changed[at + 1] = '\xC9';
    require_image_rejected(changed, {"arithmetic-coded"});
    changed = good;
    changed[at + 4] = '\x0C';
    require_image_rejected(changed, {"12 bits per sample"});
  }
}

TEST_CASE("unsupported BMP variants are refused by name", "[data][hostile]") {
  std::string bmp = encode_bmp(make_image(4, 4));
  std::string compressed = bmp;
  compressed[30] = 1;
  require_image_rejected(compressed, {"compressed BMP"});
  std::string depth = bmp;
  depth[28] = 17;
  require_image_rejected(depth, {"17 bits per pixel"});
  std::string overlap = bmp;
  overlap[10] = 20;
  require_image_rejected(overlap, {"overlap the header"});
}
