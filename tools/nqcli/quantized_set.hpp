#pragma once

#include "document.hpp"
#include "nq/inspect.hpp"

namespace nq {

/// Which layers and products of a file are quantized and at how many bits, read from the file itself:
/// printed with every accuracy.
Json json_quantized_set(const Inspection& inspection);

}  // namespace nq
