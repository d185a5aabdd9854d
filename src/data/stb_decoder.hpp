#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "nq/image.hpp"

namespace nq {

/// Decodes a file that inspect_image() accepted to RGB. No single allocation exceeds what an image of
/// `pixels` pixels can need, so a stream that inflates without end fails instead of filling memory.
/// Throws Error(input) with stb_image's reason.
Image stb_decode(std::span<const std::byte> bytes, std::int64_t pixels);

}  // namespace nq
