#pragma once

#include <onnx/onnx_pb.h>

#include <memory>

#include "nq/graph.hpp"
#include "onnx/tensor_proto.hpp"

namespace nq {

/// Reads a model without local functions into a Graph. Tensors alias `owner`'s bytes.
///
/// A node with subgraphs (If) gets the values that they capture as further inputs, branch by
/// branch, in the order of the branch's `inputs`. Throws Error(input) naming the node.
Graph load_graph(const onnx::ModelProto& model, const std::shared_ptr<const void>& owner,
                 const ExternalData& external);

}  // namespace nq
