#pragma once

#include <onnx/onnx_pb.h>

namespace nq {

/// Whether the main graph has an Einsum that rewrite_linear_einsums() would replace.
bool has_linear_einsum(const onnx::ModelProto& model);

/// Replaces every Einsum (opset 12) of the main graph that is a linear layer, x with a constant weight and the sum over
/// x's last axes, by MatMul: `bld,dhk->blhk` becomes MatMul(x, Reshape(w)) and a Reshape. The last node keeps
/// the Einsum's output name. Function calls must have been inlined.
void rewrite_linear_einsums(onnx::ModelProto& model);

}  // namespace nq
