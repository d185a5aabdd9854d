#pragma once

#include "onnx/tensor_proto.hpp"

namespace nq {

/// Checks a model file. Opsets that the linked ONNX library knows go through its checker, which
/// compares every node with its schema. Newer ones get structural checks: names given once,
/// domains imported, attributes with a type, an IR version that fits the opset.
/// Throws Error(input) saying what is wrong.
void check_model_proto(const onnx::ModelProto& proto, const ExternalData& external);

}  // namespace nq
