#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nq {

/// A decoded image: 8-bit RGB, row-major [height, width, 3], rows from top to bottom, no padding.
struct Image {
  int width = 0;                     ///< pixels
  int height = 0;                    ///< pixels
  std::vector<std::uint8_t> pixels;  ///< height * width * 3 values
};

/// Most pixels of one image that are decoded (134 million). Checked before memory is taken.
inline constexpr std::int64_t kMaxImagePixels = std::int64_t{1} << 27;

/// Largest image file that is read, in bytes.
inline constexpr std::uint64_t kMaxImageFileBytes = std::uint64_t{1} << 28;

/// Decodes JPEG, PNG or BMP, told apart by content and never by file name.
///
/// - Greyscale is repeated into the three channels; palettes are looked up.
/// - Alpha is dropped, not blended, as by Pillow's convert("RGB").
/// - 16-bit PNG keeps the high byte of each sample. (Pillow does the same for RGB, but clips 16-bit
///   greyscale at 255.)
/// - CMYK and YCCK JPEG are read by Adobe's inverted convention, marker present or not, and
///   multiplied by K, as Pillow does.
/// - EXIF orientation and colour profiles are not applied; neither Pillow nor timm applies them.
/// - JPEG levels differ from libjpeg-turbo's by a few units: the inverse DCT and the chroma
///   upsampling of stb_image round differently.
///
/// `name` stands for the image in messages. Throws Error(input) for anything that is not a whole,
/// intact image of these formats, Error(resource) above kMaxImagePixels.
Image decode_image(std::span<const std::byte> bytes, std::string_view name);

/// Reads and decodes a file. Throws as decode_image, Error(input) when the file cannot be read and
/// Error(resource) above kMaxImageFileBytes.
Image load_image(const std::filesystem::path& path);

/// A JPEG file of the image. `quality` runs from 1 to 100. The same image gives the same bytes.
std::string encode_jpeg(const Image& image, int quality);

/// Resampling filters of Pillow, by their Pillow names.
enum class Interpolation { nearest, bilinear, bicubic, lanczos, box, hamming };

/// "nearest", "bilinear", ...
std::string_view to_string(Interpolation interpolation) noexcept;

/// Resizes to width x height pixels, bit for bit as Pillow's Image.resize does: when shrinking, the
/// filter widens (antialiasing). Throws Error(internal) unless both sizes are positive.
Image resize(const Image& image, int width, int height, Interpolation interpolation);

}  // namespace nq
