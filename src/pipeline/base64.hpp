#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nq {

/// RFC 4648 section 4, with padding.
std::string base64_encode(std::span<const std::int8_t> bytes);

/// Throws Error(input) on anything that base64_encode does not produce.
std::vector<std::int8_t> base64_decode(std::string_view text);

}  // namespace nq
