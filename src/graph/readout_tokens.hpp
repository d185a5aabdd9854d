#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "nq/typed_graph.hpp"

namespace nq {

/// Tokens that a model's output reads one by one: the class token of a ViT, the two of a distilled
/// DeiT. Errors in these rows reach the output unaveraged.
struct ReadoutTokens {
  Shape shape;                       ///< of the value that they are taken from, e.g. [1, 197, 192]
  int axis = 1;                      ///< of that value, along which tokens run
  std::vector<std::int64_t> tokens;  ///< ascending positions along `axis`
  /// Indexed by ValueId: no product of two activations lies between the value and the output, so
  /// nothing but these tokens of it matters.
  std::vector<std::uint8_t> unmixed;

  std::int64_t count() const { return shape[axis]; }

  /// 1 for the rows of one image, [count()], that hold such a token; empty when the rows of a value
  /// of shape `x` are not laid out like the tokens.
  std::vector<std::uint8_t> mask_for(const Shape& x) const;
};

/// Walks up from the first output, over operators that keep tokens apart, to a Gather or Slice of
/// constant positions. Nothing when the output reads all tokens alike (average pooling).
std::optional<ReadoutTokens> find_readout_tokens(const TypedGraph& typed);

}  // namespace nq
