#pragma once

#include <onnx/onnx_pb.h>

#include <functional>
#include <string>
#include <vector>

namespace nq {

/// What an upgrade needs from the model around a node.
struct UpgradeContext {
  /// Adds an int64 or float initializer under a name made from the first argument; returns the name.
  std::function<std::string(const std::string&, const std::vector<std::int64_t>&)> add_ints;
  std::function<std::string(const std::string&, float)> add_float;
  /// Rank of a value, or -1 when it is not known.
  std::function<int(const std::string&)> rank_of;
};

/// Oldest default-domain opset that can be rewritten to 13.
inline constexpr int kOldestUpgradableOpset = 8;

/// Rewrites one node of the default domain from `opset` (8 to 12) to the form of opset 13: the
/// arguments of Squeeze, Unsqueeze, Split, ReduceSum, Slice, Clip, Pad and TopK that became inputs,
/// and the axis of Softmax, whose meaning changed. Everything else in that range that a vision
/// model uses kept its form. Throws Error(unsupported) naming a node that has no equal form.
void upgrade_node_to_13(onnx::NodeProto& node, int opset, const UpgradeContext& context);

/// Rewrites one node of the default domain from `opset` (13 to 20) to the form of opset 21: reductions whose axes became
/// an input, Split without sizes, the modes of GridSample and RoiAlign. Throws Error(unsupported) naming a node that
/// has no equal form.
void upgrade_node_to_21(onnx::NodeProto& node, int opset, const UpgradeContext& context);

/// Smallest IR version of an opset (onnx/docs/Versioning.md, released versions table).
int ir_version_of_opset(int opset);

}  // namespace nq
