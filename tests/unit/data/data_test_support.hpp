#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nq/error.hpp"
#include "nq/image.hpp"

namespace nq::test {

/// A folder of its own, removed at the end.
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nq_data_XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

  /// Writes a file, making its folders.
  std::filesystem::path write(const std::string& name, std::string_view content) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }

 private:
  std::filesystem::path path_;
};

/// Runs `body`, requires an Error of `kind` that contains every one of `texts`, and returns it.
template <typename Body>
Error require_error(ErrorKind kind, std::initializer_list<std::string_view> texts, Body&& body) {
  std::optional<Error> caught;
  try {
    body();
  } catch (const Error& error) {
    caught = error;
  }
  REQUIRE(caught.has_value());
  INFO(caught->full_text());
  CHECK(caught->kind() == kind);
  for (const std::string_view text : texts) CHECK(caught->full_text().find(text) != std::string::npos);
  return *caught;
}

inline std::string read_all(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Reads the layouts that the make_*_golden.py scripts write.
class GoldenReader {
 public:
  explicit GoldenReader(const std::string& name)
      : content_(read_all(std::filesystem::path(NQ_DATA_GOLDEN) / name)) {}

  bool at_end() const { return position_ == content_.size(); }
  int integer() {
    std::int32_t value = 0;
    std::memcpy(&value, bytes(sizeof value).data(), sizeof value);
    return value;
  }
  std::string bytes(std::size_t count) {
    REQUIRE(count <= content_.size() - position_);
    position_ += count;
    return content_.substr(position_ - count, count);
  }
  Image image(int width, int height) {
    const std::string pixels = bytes(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
    return {width, height, {pixels.begin(), pixels.end()}};
  }

 private:
  std::string content_;
  std::size_t position_ = 0;
};

inline void append_le(std::string& out, std::uint32_t value, int bytes) {
  for (int byte = 0; byte < bytes; ++byte) out += static_cast<char>(value >> (8 * byte) & 0xFFU);
}

/// A 24-bit BMP file: lossless, and simple enough to write here.
inline std::string encode_bmp(const Image& image) {
  const std::size_t row = (static_cast<std::size_t>(image.width) * 3 + 3) / 4 * 4;
  std::string out = "BM";
  append_le(out, static_cast<std::uint32_t>(54 + row * static_cast<std::size_t>(image.height)), 4);
  append_le(out, 0, 4);
  append_le(out, 54, 4);
  append_le(out, 40, 4);
  append_le(out, static_cast<std::uint32_t>(image.width), 4);
  append_le(out, static_cast<std::uint32_t>(image.height), 4);
  append_le(out, 1, 2);
  append_le(out, 24, 2);
  out.append(24, '\0');
  for (int y = image.height - 1; y >= 0; --y) {
    std::string line;
    for (int x = 0; x < image.width; ++x) {
      const std::size_t at = (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                              static_cast<std::size_t>(x)) *
                             3;
      for (const std::size_t channel : {2U, 1U, 0U}) line += static_cast<char>(image.pixels[at + channel]);
    }
    line.resize(row, '\0');
    out += line;
  }
  return out;
}

/// Pixels that differ everywhere and between seeds.
inline Image make_image(int width, int height, std::uint32_t seed = 1) {
  Image image{width, height, {}};
  image.pixels.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  std::uint32_t state = seed * 2654435761U + 1U;
  for (std::uint8_t& level : image.pixels) {
    state = state * 1664525U + 1013904223U;
    level = static_cast<std::uint8_t>(state >> 24);
  }
  return image;
}

inline Image decode(const std::string& content, std::string_view name = "test") {
  return decode_image(std::as_bytes(std::span(content)), name);
}

}  // namespace nq::test
