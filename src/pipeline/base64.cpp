#include "pipeline/base64.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace nq {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::uint32_t sextet(char c) {
  const std::size_t at = kAlphabet.find(c);
  NQ_CHECK(at != std::string_view::npos, input, "base64 text holds '{}'", c);
  return static_cast<std::uint32_t>(at);
}

}  // namespace

std::string base64_encode(std::span<const std::int8_t> bytes) {
  std::string text((bytes.size() + 2) / 3 * 4, '=');
  char* out = text.data();
  for (std::size_t at = 0; at < bytes.size(); at += 3, out += 4) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      word = word << 8 | (k < left ? static_cast<std::uint8_t>(bytes[at + k]) : 0U);
    }
    for (std::size_t k = 0; k <= left; ++k) out[k] = kAlphabet[word >> (18 - 6 * k) & 63U];
  }
  return text;
}

std::vector<std::int8_t> base64_decode(std::string_view text) {
  NQ_CHECK(text.size() % 4 == 0, input, "base64 text has a length that is no multiple of 4");
  std::vector<std::int8_t> bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const bool last = at + 4 == text.size();
    const std::size_t padding = !last || text[at + 3] != '=' ? 0 : (text[at + 2] == '=' ? 2 : 1);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 4; ++k) word = word << 6 | (k < 4 - padding ? sextet(text[at + k]) : 0U);
    const std::uint32_t unused = padding == 0 ? 0U : word & ((1U << (8 * padding)) - 1);
    NQ_CHECK(unused == 0, input, "base64 text ends in bits that no byte holds");
    for (std::size_t k = 0; k < 3 - padding; ++k) bytes.push_back(static_cast<std::int8_t>(word >> (16 - 8 * k) & 255U));
  }
  return bytes;
}

}  // namespace nq
