#pragma once

#include <memory>
#include <vector>

#include "nq/executor.hpp"

namespace nq {

/// Where the bytes of a value live while a plan runs.
struct Placement {
  enum class Kind { none, arena, constant, input };
  Kind kind = Kind::none;
  std::size_t offset = 0;  ///< arena: byte offset; input: index of the graph input
  ValueId constant;        ///< constant: the value whose tensor holds the bytes
};

struct Step {
  NodeId node;
  std::unique_ptr<const Kernel> kernel;  ///< null for a view: nothing runs
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
};

struct Plan::Impl {
  TypedGraph graph;
  std::vector<Step> steps;
  std::vector<Placement> placements;  ///< indexed by ValueId
  std::vector<bool> tapped;           ///< indexed by ValueId
  std::vector<ValueId> targets;       ///< what run() returns
  std::size_t arena_bytes = 0;        ///< activations and, behind them, scratch
  std::size_t scratch_offset = 0;
};

}  // namespace nq
