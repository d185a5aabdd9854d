#pragma once

#include "nq/model_file.hpp"

namespace nq {

/// Leaves of `graph` what the choice asks for. Throws Error(usage) when a name is unknown,
/// Error(unsupported) when inputs other than the chosen one are needed.
void choose_part(Graph& graph, const GraphChoice& choice);

}  // namespace nq
