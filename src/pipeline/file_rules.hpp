#pragma once

#include "nq/graph.hpp"
#include "nq/verify.hpp"

namespace nq {

/// Rules on QuantizeLinear, DequantizeLinear, opset and IR version, which hold whatever a product does: adds
/// findings.
void check_file_rules(const Graph& graph, Verification& verification);

}  // namespace nq
