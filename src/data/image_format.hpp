#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace nq {

/// What a walk over the container of an image file finds.
struct ImageFacts {
  std::int64_t width = 0;         ///< pixels, as the header states; may be 0 or absurd
  std::int64_t height = 0;        ///< pixels, as the header states; may be 0 or absurd
  bool is_unmarked_cmyk = false;  ///< JPEG of four components without Adobe's marker
};

// The decoder trusts lengths, tables and ends of data more than a stranger's file deserves. These walks
// over the container read every length against the real size first, so that a truncated or damaged file
// is refused and never half decoded. Each throws Error(input) with the reason.

/// Tells the format by its first bytes and walks it. Throws Error(input) saying what the content looks
/// like when it is none of JPEG, PNG and BMP.
ImageFacts inspect_image(std::span<const std::byte> bytes);

/// Segments, code tables, scans, end marker.
ImageFacts inspect_jpeg(std::span<const std::byte> bytes);
/// Chunk lengths and checksums, known critical chunks, IHDR first, IEND last.
ImageFacts inspect_png(std::span<const std::byte> bytes);
/// Header sizes, and pixel rows inside the file.
ImageFacts inspect_bmp(std::span<const std::byte> bytes);

}  // namespace nq
