#pragma once

#include <map>
#include <string>
#include <vector>

#include "nq/executor.hpp"
#include "nq/graph.hpp"
#include "nq/tensor.hpp"

namespace nq {

/// Runs a graph once on whole tensors, by name of the graph input; returns the graph outputs in order.
///
/// An input whose value decides a shape (the target of a Reshape, the axes of a Slice) is fixed before
/// planning: integer inputs first, then every input, when the graph cannot be planned otherwise.
/// Throws Error(usage) for an unknown or missing input and for a type or shape that does not fit.
std::vector<Tensor> run_model(const Graph& graph, const std::map<std::string, Tensor>& inputs,
                              KernelChoice kernels = KernelChoice::automatic);

}  // namespace nq
