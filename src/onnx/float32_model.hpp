#pragma once

#include <onnx/onnx_pb.h>

#include "onnx/tensor_proto.hpp"

namespace nq {

/// Makes every float16 and bfloat16 tensor, declared type and element-type attribute of a model
/// float32, subgraphs, local functions, inputs and outputs included. The values of weights stay the
/// same; activations are no longer rounded. Converted external data moves into the proto.
void make_float32(onnx::ModelProto& model, const ExternalData& external);

}  // namespace nq
