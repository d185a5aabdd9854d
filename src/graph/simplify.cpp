#include "graph/simplify.hpp"

#include "graph/passes/passes.hpp"

namespace nq {

void simplify(Graph& graph) {
  eliminate_identity(graph);
  eliminate_dead(graph);
}

}  // namespace nq
