#pragma once

#include <string>

#include "nq/quant_params.hpp"
#include "onnx/edit.hpp"

namespace nq {

/// Inserts [Clip below 8 bits,] QuantizeLinear and DequantizeLinear of value `x` before the node with
/// origin `before`; returns the dequantized value's name. `params` is per tensor.
///
/// Below 8 bits the storage type is wider than the range: a float Clip does the clipping, which
/// keeps runtimes on int8 kernels (docs/adr/0003).
std::string emit_quantizer(ModelEdit& edit, const std::string& before, std::string x,
                           const QuantParams& params);

}  // namespace nq
