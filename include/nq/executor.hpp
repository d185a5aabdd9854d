#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nq/graph.hpp"
#include "nq/op.hpp"
#include "nq/typed_graph.hpp"

namespace nq {

/// What is fixed about graph inputs before planning.
struct Specialization {
  /// Full static shape per graph input name; inputs with a static declared shape may be omitted.
  std::map<std::string, Shape> shapes;
  /// Inputs whose value is fixed as well (shape-like inputs); they become constants.
  std::map<std::string, Tensor> constants;
  /// Leave DequantizeLinear of constants unfolded, for a plan that computes on the integers.
  bool keep_quantized_weights = false;
};

/// How a plan computes.
enum class KernelChoice {
  automatic,  ///< fused and integer kernels where a pattern is recognised
  reference,  ///< one kernel per node, exactly as the file says: the oracle of the other
};

/// Lists every node that `ops` cannot run, "'/a/Resize' (Resize, opset 17)", empty when none.
std::vector<std::string> unsupported_nodes(const Graph& graph, const OpRegistry& ops);

/// Fixes input shapes, infers all types, folds constants and shape plumbing, drops dead code.
///
/// Throws Error(unsupported) listing all unknown operators at once, Error(input) naming the node
/// whose types do not fit, Error(usage) for an unknown input name or a missing shape.
TypedGraph specialize(const Graph& graph, const Specialization& spec,
                      const OpRegistry& ops = builtin_ops());

struct PlanOptions {
  /// Values that must exist in memory under their own name after the step that makes them,
  /// so that a tap can read them.
  std::vector<ValueId> taps;
  /// What a run returns, the graph outputs unless given; nothing else runs but what these and the taps need.
  std::optional<std::vector<ValueId>> targets;
  KernelChoice kernels = KernelChoice::automatic;
};

/// Execution order, bound kernels and arena layout. Immutable; share it between executors.
class Plan {
 public:
  struct Impl;
  explicit Plan(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const Impl& impl() const noexcept { return *impl_; }
  /// Bytes of the activation arena that each executor allocates.
  std::size_t arena_bytes() const noexcept;
  std::size_t num_steps() const noexcept;
  /// Types of the graph inputs, in graph order.
  std::vector<TensorType> input_types() const;
  const TypedGraph& typed_graph() const noexcept;

 private:
  std::shared_ptr<const Impl> impl_;
};

Plan make_plan(TypedGraph graph, const PlanOptions& options = {},
               const OpRegistry& ops = builtin_ops());

/// Whether a plan of the graph outputs with these taps runs the same kernels as one without, and so gives the same bits:
/// a tap inside a group of nodes keeps them from being fused.
bool fuses_around(const TypedGraph& graph, const std::vector<ValueId>& taps);

/// Plan::arena_bytes() of the plan that would be made, without keeping its packed weights.
std::size_t measure_arena(TypedGraph graph, const OpRegistry& ops = builtin_ops());

/// Called after the step that produced a tapped value; the view dies with the call.
using Tap = std::function<void(ValueId, const TensorView&)>;

/// Runs a plan on one thread's arena; kernels parallelize inside. Allocates nothing in
/// steady state except the returned outputs.
class Executor {
 public:
  explicit Executor(Plan plan);
  ~Executor();
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;

  /// Inputs in graph order. Throws Error(usage) on a type or shape mismatch.
  std::vector<Tensor> run(std::span<const Tensor> inputs, const Tap& tap = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nq
