#include "onnx/graph_choice.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "graph/passes/passes.hpp"

namespace nq {
namespace {

ValueId find_named(const Graph& graph, const std::vector<ValueId>& ids, const std::string& name, const char* what) {
  std::vector<std::string> names;
  for (const ValueId id : ids) {
    if (graph.value(id).name == name) return id;
    names.push_back(graph.value(id).name);
  }
  fail(ErrorKind::usage, "the model has no {} '{}'; its {}s are: {}", what, name, what, fmt::join(names, ", "));
}

}  // namespace

void choose_part(Graph& graph, const GraphChoice& choice) {
  if (choice.input.empty() && choice.output.empty()) return;
  if (!choice.output.empty()) graph.outputs = {find_named(graph, graph.outputs, choice.output, "output")};
  eliminate_dead(graph);
  const ValueId chosen = choice.input.empty() ? ValueId{} : find_named(graph, graph.inputs, choice.input, "input");
  const auto uses = graph.uses();
  const auto unread = [&](ValueId id) {
    return id != chosen && uses[static_cast<std::size_t>(id.index)].empty() && !graph.is_graph_output(id);
  };
  graph.inputs.erase(std::remove_if(graph.inputs.begin(), graph.inputs.end(), unread), graph.inputs.end());
  if (!chosen.valid()) return;
  std::vector<std::string> others;
  for (const ValueId id : graph.inputs) {
    if (id != chosen) others.push_back(graph.value(id).name);
  }
  if (others.empty()) return;
  std::vector<std::string> outputs;
  for (const ValueId id : graph.outputs) outputs.push_back(graph.value(id).name);
  throw Error(ErrorKind::unsupported,
              fmt::format("besides '{}' the model needs {} to compute {}", choice.input, fmt::join(others, ", "),
                          fmt::join(outputs, ", ")),
              "choose with --output-name an output that images alone give");
}

}  // namespace nq
