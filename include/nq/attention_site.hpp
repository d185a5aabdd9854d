#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nq/typed_graph.hpp"

namespace nq {

enum class ProductRole {
  scores,  ///< Q K^T, whose result goes to a Softmax over the keys
  values,  ///< softmax(...) V
};
std::string_view to_string(ProductRole role) noexcept;

/// A MatMul of two activations: [..., rows, depth] times [..., depth, cols].
struct ProductSite {
  std::string name;    ///< display name of the node
  std::string origin;  ///< first output name of the node in the user's file
  ProductRole role = ProductRole::scores;
  NodeId node;
  ValueId left;           ///< Q, or the probabilities
  ValueId right;          ///< K^T, or V
  std::int64_t macs = 0;  ///< multiply-accumulate operations at the planned batch size
};

/// The two products around one Softmax: softmax(factor * Q K^T + addends) V.
struct AttentionSite {
  ProductSite scores;
  ProductSite values;
  /// Scalar that the scores are multiplied by on their way to the Softmax; empty when anything but
  /// scalar factors, addends and reshapes stands there.
  std::optional<float> factor;
};

/// Finds attention by structure: a MatMul of two activations, elementwise steps, a Softmax over the
/// last axis, and a MatMul of its result with an activation. In execution order of the values.
std::vector<AttentionSite> find_attention_sites(const TypedGraph& graph);

}  // namespace nq
