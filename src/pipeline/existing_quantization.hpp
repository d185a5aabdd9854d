#pragma once

#include <optional>

#include "nq/inspect.hpp"

namespace nq {

/// The quantizer that `value` comes from, or nothing.
std::optional<ExistingQuantizer> existing_quantizer(const TypedGraph& typed, ValueId value);

/// Fewest signed bits, 2 or more, that hold every code of a weight.
int code_bits(const Tensor& codes);

/// The quantizers around `site`, when its input comes from a QuantizeLinear/DequantizeLinear pair and its
/// weight is stored as codes behind a DequantizeLinear. `source` is the model as in the file, `typed` the
/// graph in which the site was found.
std::optional<ExistingQuantization> existing_quantization(const Graph& source, const TypedGraph& typed,
                                                          const LinearSite& site);

}  // namespace nq
