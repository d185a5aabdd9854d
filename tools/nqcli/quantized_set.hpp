#pragma once

#include <string>

#include "document.hpp"
#include "nq/inspect.hpp"

namespace nq {

/// Which layers and products of a file are quantized and at how many bits, read from the file itself:
/// printed with every accuracy.
Json json_quantized_set(const Inspection& inspection);

/// The same in words: "48 linear W6A6, 24 attention products A6, patch embedding W6A6, head W6A6; float: none".
std::string quantized_set_text(const Inspection& inspection);

}  // namespace nq
