#pragma once

#include <memory>
#include <vector>

#include "nq/op.hpp"

namespace nq {

/// Input types and constants of one node, as the graph holds them; owned by the caller.
struct NodeBinding {
  const Node* node = nullptr;
  const OpDef* def = nullptr;
  std::vector<const TensorType*> input_types;  ///< null for an omitted input
  std::vector<const Tensor*> constants;        ///< null unless known before running
};

/// Output types of a node. For Promotion::compute_in_f32, float16 and bfloat16 inputs are inferred
/// as float32 and float32 results take the reduced type of the first reduced input.
std::vector<std::optional<TensorType>> infer_types(const NodeBinding& binding);

/// The node's kernel, wrapped in conversions where its inputs are reduced floats.
std::unique_ptr<const Kernel> bind_kernel(const NodeBinding& binding);

}  // namespace nq
