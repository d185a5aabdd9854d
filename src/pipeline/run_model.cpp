#include "nq/run_model.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "nq/executor.hpp"

namespace nq {
namespace {

/// Inputs that are fixed before planning.
enum class Binding { none, integers, everything };

bool is_bound(const Tensor& tensor, Binding binding) {
  return binding == Binding::everything || (binding == Binding::integers && !is_float(tensor.dtype()));
}

std::vector<Tensor> run_bound(const Graph& graph, const std::map<std::string, Tensor>& inputs,
                              Binding binding, KernelChoice kernels) {
  Specialization spec;
  spec.keep_quantized_weights = kernels == KernelChoice::automatic;
  std::vector<Tensor> arguments;
  for (const ValueId id : graph.inputs) {
    const std::string& name = graph.value(id).name;
    const Tensor& tensor = inputs.at(name);
    if (is_bound(tensor, binding)) {
      spec.constants.emplace(name, tensor);
    } else {
      spec.shapes.emplace(name, tensor.shape());
      arguments.push_back(tensor);
    }
  }
  PlanOptions options;
  options.kernels = kernels;
  return Executor(make_plan(specialize(graph, spec), options)).run(arguments);
}

void check_inputs(const Graph& graph, const std::map<std::string, Tensor>& inputs) {
  std::vector<std::string> names;
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    names.push_back(value.name);
    const auto given = inputs.find(value.name);
    NQ_CHECK(given != inputs.end(), usage, "model input '{}' is not given", value.name);
    NQ_CHECK(!value.declared || value.declared->dtype == given->second.dtype(), usage,
             "model input '{}' is {}, the tensor given is {}", value.name, to_string(value.declared->dtype),
             to_string(given->second.dtype()));
  }
  for (const auto& [name, tensor] : inputs) {
    NQ_CHECK(std::find(names.begin(), names.end(), name) != names.end(), usage,
             "the model has no input '{}'; its inputs are: {}", name, fmt::join(names, ", "));
  }
}

}  // namespace

std::vector<Tensor> run_model(const Graph& graph, const std::map<std::string, Tensor>& inputs,
                              KernelChoice kernels) {
  check_inputs(graph, inputs);
  const std::vector<std::string> unknown = unsupported_nodes(graph, builtin_ops());
  NQ_CHECK(unknown.empty(), unsupported, "operators that are not supported: {}", fmt::join(unknown, "; "));
  for (const Binding binding : {Binding::none, Binding::integers}) {
    try {
      return run_bound(graph, inputs, binding, kernels);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::unsupported) throw;
    }
  }
  return run_bound(graph, inputs, Binding::everything, kernels);
}

}  // namespace nq
