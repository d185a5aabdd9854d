#pragma once

#include <string>
#include <vector>

#include "nq/compare.hpp"
#include "nq/typed_graph.hpp"

namespace nq {

/// A product of one graph and its counterpart in another, by names.
struct LayerPair {
  std::string name;
  std::string origin;
  std::int64_t c_out = 0;
  ValueId reference_value;  ///< output of the layer, bias included
  ValueId other_value;      ///< the value of that name in the other graph
  bool quantized = false;
  /// Values of the other graph at which its layer begins: they mean the same in the reference, under the same
  /// name. Empty when `gap` says why there are none.
  std::vector<ValueId> cuts;
  std::string gap;
};

struct LayerPairing {
  std::vector<LayerPair> pairs;        ///< in execution order of the reference
  std::vector<UnmatchedLayer> unmatched;
};

/// Finds the counterparts of all products. Both graphs keep DequantizeLinear of constants unfolded.
///
/// A layer of `other` begins where its graph begins to differ from the reference's: walking up from its output
/// it ends at values whose producers are the same operator with the same attributes, constants and inputs in
/// both. A LayerNormalization that carries a noisy bias thus belongs to the layer that it feeds.
LayerPairing pair_layers(const TypedGraph& reference, const TypedGraph& other);

}  // namespace nq
