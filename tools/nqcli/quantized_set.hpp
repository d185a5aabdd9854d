#pragma once

#include <string>

#include "document.hpp"
#include "nq/inspect.hpp"

namespace nq {

/// Which linear layers of a file are quantized and at how many bits: printed with every accuracy.
Json json_quantized_set(const Inspection& inspection);

/// The same in words: "48 of 50 linear layers at W6A6; float: /head/Gemm, ...".
std::string quantized_set_text(const Inspection& inspection);

}  // namespace nq
