#include <algorithm>
#include <array>
#include <vector>

#include "core/check.hpp"
#include "data/byte_reader.hpp"
#include "data/image_format.hpp"

// Marker codes and segment layouts: ITU-T T.81, annex B.

namespace nq {
namespace {

constexpr std::uint32_t kSof0 = 0xC0, kSof2 = 0xC2, kHuffmanTables = 0xC4, kSof15 = 0xCF;
constexpr std::uint32_t kExtension = 0xC8, kArithmeticConditioning = 0xCC;
constexpr std::uint32_t kRestart0 = 0xD0, kRestart7 = 0xD7, kEndOfImage = 0xD9, kStartOfScan = 0xDA;
constexpr std::uint32_t kQuantizationTables = 0xDB, kRestartInterval = 0xDD, kNumberOfLines = 0xDC;
constexpr std::uint32_t kApp0 = 0xE0, kApp14 = 0xEE, kApp15 = 0xEF, kComment = 0xFE;

bool is_restart(std::uint32_t marker) { return marker >= kRestart0 && marker <= kRestart7; }

bool is_frame(std::uint32_t marker) {
  return marker >= kSof0 && marker <= kSof15 && marker != kHuffmanTables && marker != kExtension &&
         marker != kArithmeticConditioning;
}

/// Tables and frame seen so far; a scan may use only what is defined before it.
class JpegWalk {
 public:
  explicit JpegWalk(std::span<const std::byte> bytes) : reader_(bytes) { reader_.skip(2); }

  ImageFacts run() {
    for (;;) {
      const std::uint32_t marker = next_marker();
      if (marker == kEndOfImage) break;
      segment(marker);
      if (marker == kStartOfScan) skip_entropy_coded_data();
    }
    NQ_CHECK(!components_.empty(), input, "JPEG without a frame header");
    for (const Component& component : components_) {
      NQ_CHECK(component.has_scan, input, "JPEG component {} has no data", component.id);
    }
    return {width_, height_, components_.size() == 4 && !has_adobe_marker_};
  }

 private:
  struct Component {
    std::uint32_t id = 0;
    std::uint32_t quantization_table = 0;
    bool has_scan = false;
  };

  /// Some writers leave padding between header segments; later on nothing may stand there.
  std::uint32_t next_marker() {
    while (reader_.u8() != 0xFF) {
      NQ_CHECK(components_.empty(), input, "JPEG segment expected at byte {}", reader_.position() - 1);
    }
    std::uint32_t marker = reader_.u8();
    while (marker == 0xFF) marker = reader_.u8();
    return marker;
  }

  void segment(std::uint32_t marker) {
    NQ_CHECK(marker != 0 && marker != 1 && !is_restart(marker), input, "JPEG marker 0x{:02X} is out of place",
             marker);
    const std::uint32_t length = reader_.u16_be();
    NQ_CHECK(length >= 2, input, "JPEG segment 0x{:02X} has length {}", marker, length);
    ByteReader body(reader_.take(length - 2));
    if (is_frame(marker)) return frame(marker, body);
    switch (marker) {
      case kHuffmanTables: return huffman_tables(body);
      case kQuantizationTables: return quantization_tables(body);
      case kStartOfScan: return scan(body);
      case kApp14: return adobe(body);
      case kRestartInterval:
      case kNumberOfLines:
      case kComment: return;
      default: break;
    }
    NQ_CHECK(marker >= kApp0 && marker <= kApp15, input, "JPEG marker 0x{:02X} is not supported", marker);
  }

  void frame(std::uint32_t marker, ByteReader& body) {
    NQ_CHECK(marker <= kSof2, input, "lossless, hierarchical and arithmetic-coded JPEG are not supported");
    NQ_CHECK(components_.empty(), input, "JPEG with two frames");
    is_progressive_ = marker == kSof2;
    const std::uint32_t bits = body.u8();
    NQ_CHECK(bits == 8, input, "JPEG with {} bits per sample is not supported", bits);
    height_ = body.u16_be();
    width_ = body.u16_be();
    const std::uint32_t count = body.u8();
    NQ_CHECK(count == 1 || count == 3 || count == 4, input, "JPEG with {} components", count);
    for (std::uint32_t index = 0; index < count; ++index) {
      Component component;
      component.id = body.u8();
      body.skip(1);
      component.quantization_table = body.u8();
      NQ_CHECK(component.quantization_table < 4, input, "corrupt JPEG frame header");
      components_.push_back(component);
    }
  }

  void huffman_tables(ByteReader& body) {
    while (!body.at_end()) {
      const std::uint32_t selector = body.u8();
      const std::uint32_t table_class = selector >> 4, slot = selector & 15U;
      NQ_CHECK(table_class < 2 && slot < 4, input, "corrupt JPEG Huffman table");
      std::size_t codes = 0;
      for (int length = 1; length <= 16; ++length) codes += body.u8();
      NQ_CHECK(codes <= 256, input, "JPEG Huffman table with {} codes", codes);
      body.skip(codes);
      has_huffman_[table_class][slot] = true;
    }
  }

  void quantization_tables(ByteReader& body) {
    while (!body.at_end()) {
      const std::uint32_t selector = body.u8();
      const std::uint32_t precision = selector >> 4, slot = selector & 15U;
      NQ_CHECK(precision < 2 && slot < 4, input, "corrupt JPEG quantization table");
      body.skip(precision == 0 ? 64 : 128);
      has_quantization_[slot] = true;
    }
  }

  void scan(ByteReader& body) {
    NQ_CHECK(!components_.empty(), input, "JPEG scan before the frame header");
    struct Choice {
      Component* component;
      std::uint32_t tables;
    };
    std::vector<Choice> choices(body.u8());
    for (Choice& choice : choices) {
      const std::uint32_t id = body.u8();
      const auto found = std::find_if(components_.begin(), components_.end(),
                                      [id](const Component& c) { return c.id == id; });
      NQ_CHECK(found != components_.end(), input, "JPEG scan of an unknown component {}", id);
      choice = {&*found, body.u8()};
    }
    const std::uint32_t first = body.u8(), last = body.u8();
    const bool is_refinement = body.u8() >> 4 != 0;
    const bool needs_dc = first == 0 && !(is_progressive_ && is_refinement);
    const bool needs_ac = !is_progressive_ || last > 0;
    for (const Choice& choice : choices) {
      const std::uint32_t dc = choice.tables >> 4, ac = choice.tables & 15U;
      NQ_CHECK(dc < 4 && ac < 4, input, "corrupt JPEG scan header");
      NQ_CHECK((!needs_dc || has_huffman_[0][dc]) && (!needs_ac || has_huffman_[1][ac]), input,
               "JPEG scan uses an undefined Huffman table");
      NQ_CHECK(has_quantization_[choice.component->quantization_table], input,
               "JPEG scan uses an undefined quantization table");
      choice.component->has_scan = choice.component->has_scan || first == 0;
    }
  }

  void adobe(ByteReader& body) {
    constexpr std::array<std::uint32_t, 5> tag = {'A', 'd', 'o', 'b', 'e'};
    if (body.remaining() < 12) return;
    has_adobe_marker_ =
        std::all_of(tag.begin(), tag.end(), [&body](std::uint32_t letter) { return body.u8() == letter; });
  }

  /// Up to the next marker that is not part of the coded data.
  void skip_entropy_coded_data() {
    for (;;) {
      while (reader_.peek() != 0xFF) reader_.skip(1);
      const std::size_t run_start = reader_.position();
      ByteReader ahead = reader_;
      std::uint32_t code = 0xFF;
      while (code == 0xFF) code = ahead.u8();
      if (code != 0 && !is_restart(code)) return;
      reader_.skip(ahead.position() - run_start);
    }
  }

  ByteReader reader_;
  std::int64_t width_ = 0;
  std::int64_t height_ = 0;
  bool has_adobe_marker_ = false;
  bool is_progressive_ = false;
  std::vector<Component> components_;
  std::array<std::array<bool, 4>, 2> has_huffman_{};  ///< [DC or AC][slot]
  std::array<bool, 4> has_quantization_{};
};

}  // namespace

ImageFacts inspect_jpeg(std::span<const std::byte> bytes) { return JpegWalk(bytes).run(); }

}  // namespace nq
