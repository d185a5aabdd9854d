#pragma once

#include <vector>

#include "nq/graph.hpp"

namespace nq {

/// A graph with a static type on every live value and everything foldable folded.
/// Only specialize() (executor.hpp) makes one.
struct TypedGraph {
  Graph graph;
  std::vector<TensorType> types;  ///< indexed by ValueId; meaningful for live values
  const TensorType& type(ValueId id) const { return types[static_cast<std::size_t>(id.index)]; }
};

}  // namespace nq
