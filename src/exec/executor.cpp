#include "nq/executor.hpp"

#include <cstring>

#include "core/check.hpp"
#include "exec/plan_impl.hpp"
#include "nq/interrupt.hpp"

namespace nq {
namespace {

std::size_t index_of(ValueId id) { return static_cast<std::size_t>(id.index); }

struct BoundStep {
  const Step* step = nullptr;
  std::vector<TensorView> inputs;
  std::vector<MutableTensorView> outputs;
};

}  // namespace

struct Executor::State {
  Plan plan;
  Tensor arena;
  std::vector<BoundStep> steps;
  std::vector<const std::byte*> addresses;  ///< current bytes of each value
  bool has_taps = false;

  explicit State(Plan bound_plan) : plan(std::move(bound_plan)) {
    const Plan::Impl& impl = plan.impl();
    arena = Tensor(TensorType{DType::u8, Shape{static_cast<std::int64_t>(impl.arena_bytes)}});
    addresses.assign(impl.placements.size(), nullptr);
    for (std::size_t value = 0; value < impl.placements.size(); ++value) {
      const Placement& placement = impl.placements[value];
      if (placement.kind == Placement::Kind::arena) addresses[value] = arena.data() + placement.offset;
      if (placement.kind == Placement::Kind::constant) {
        addresses[value] = impl.graph.graph.constant(placement.constant)->data();
      }
    }
    for (const Step& step : impl.steps) steps.push_back(bind(step));
    for (const bool tapped : impl.tapped) has_taps = has_taps || tapped;
  }

  const TensorType* type_of(ValueId id) const { return &plan.impl().graph.type(id); }

  BoundStep bind(const Step& step) const {
    BoundStep bound;
    bound.step = &step;
    for (const ValueId input : step.inputs) {
      bound.inputs.push_back(input.valid() ? TensorView{addresses[index_of(input)], type_of(input)} : TensorView{});
    }
    for (const ValueId output : step.outputs) {
      if (!output.valid()) {
        bound.outputs.emplace_back();
        continue;
      }
      bound.outputs.push_back({const_cast<std::byte*>(addresses[index_of(output)]), type_of(output)});
    }
    return bound;
  }

  void set_inputs(std::span<const Tensor> inputs) {
    const Graph& graph = plan.impl().graph.graph;
    NQ_CHECK(inputs.size() == graph.inputs.size(), usage, "the model needs {} inputs, {} were given",
             graph.inputs.size(), inputs.size());
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const TensorType& expected = *type_of(graph.inputs[k]);
      NQ_CHECK(inputs[k].type() == expected, usage, "model input '{}' must be {}, not {}",
               graph.value(graph.inputs[k]).name, to_string(expected), to_string(inputs[k].type()));
    }
    const auto& placements = plan.impl().placements;
    for (std::size_t value = 0; value < placements.size(); ++value) {
      if (placements[value].kind == Placement::Kind::input) addresses[value] = inputs[placements[value].offset].data();
    }
    for (BoundStep& bound : steps) {
      for (std::size_t slot = 0; slot < bound.inputs.size(); ++slot) {
        const ValueId id = bound.step->inputs[slot];
        if (id.valid()) bound.inputs[slot].data = addresses[index_of(id)];
      }
    }
  }

  void offer(ValueId id, const Tap& tap) const {
    if (id.valid() && plan.impl().tapped[index_of(id)]) tap(id, {addresses[index_of(id)], type_of(id)});
  }

  void offer_external(const Tap& tap) const {
    const auto& placements = plan.impl().placements;
    for (std::size_t value = 0; value < placements.size(); ++value) {
      const Placement::Kind kind = placements[value].kind;
      const ValueId id{static_cast<int>(value)};
      const bool external = kind == Placement::Kind::input || kind == Placement::Kind::constant;
      if (external && !plan.impl().graph.graph.value(id).producer.valid()) offer(id, tap);
    }
  }

  std::vector<Tensor> collect() const {
    std::vector<Tensor> results;
    for (const ValueId target : plan.impl().targets) {
      Tensor result(*type_of(target));
      if (result.bytes() > 0) std::memcpy(result.mutable_data(), addresses[index_of(target)], result.bytes());
      results.push_back(std::move(result));
    }
    return results;
  }
};

Executor::Executor(Plan plan) : state_(std::make_unique<State>(std::move(plan))) {}
Executor::~Executor() = default;
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;

std::vector<Tensor> Executor::run(std::span<const Tensor> inputs, const Tap& tap) {
  State& state = *state_;
  state.set_inputs(inputs);
  const bool tapping = tap && state.has_taps;
  if (tapping) state.offer_external(tap);
  const Plan::Impl& impl = state.plan.impl();
  const std::span<std::byte> scratch{const_cast<std::byte*>(state.arena.data()) + impl.scratch_offset,
                                     impl.arena_bytes - impl.scratch_offset};
  for (const BoundStep& bound : state.steps) {
    check_interrupt();
    if (bound.step->kernel) {
      with_context([&] { bound.step->kernel->run({bound.inputs, bound.outputs, scratch}); },
                   [&] {
                     const Node& node = impl.graph.graph.node(bound.step->node);
                     return fmt::format("while running node '{}' ({})", node.display_name(), node.op_type);
                   });
    }
    if (!tapping) continue;
    for (const ValueId output : bound.step->outputs) state.offer(output, tap);
  }
  return state.collect();
}

}  // namespace nq
