#include <algorithm>
#include <numeric>

#include "core/check.hpp"
#include "core/file_mapping.hpp"
#include "exec/arena_layout.hpp"
#include "exec/folding.hpp"
#include "exec/fusion/fuse.hpp"
#include "exec/plan_impl.hpp"
#include "exec/promotion.hpp"

namespace nq {
namespace {

constexpr std::size_t kLargeWeightBytes = std::size_t{1} << 16;

std::size_t index_of(ValueId id) { return static_cast<std::size_t>(id.index); }

void mark(const std::vector<ValueId>& values, std::vector<bool>& marks) {
  for (const ValueId value : values) marks[index_of(value)] = true;
}

class Planner {
 public:
  Planner(TypedGraph typed, const PlanOptions& options, const OpRegistry& ops)
      : impl_(std::make_shared<Plan::Impl>()), ops_(ops), choice_(options.kernels) {
    impl_->graph = std::move(typed);
    impl_->targets = options.targets.value_or(graph().outputs);
    impl_->tapped.assign(graph().num_values(), false);
    mark(options.taps, impl_->tapped);
  }

  /// For a plan that only tells its size: kernels, and the weights they pack, go as soon as they are asked.
  void drop_kernels() { keep_kernels_ = false; }

  std::shared_ptr<const Plan::Impl> run() {
    if (choice_ == KernelChoice::automatic) fuse(impl_->graph, wanted());
    fold_constants(impl_->graph, ops_);
    select_steps();
    find_roots();
    place_external();
    lay_out();
    return impl_;
  }

 private:
  const Graph& graph() const { return impl_->graph.graph; }

  /// Targets and taps.
  std::vector<bool> wanted() const {
    std::vector<bool> marks = impl_->tapped;
    mark(impl_->targets, marks);
    return marks;
  }

  /// Binds every node that a target or tap needs, in execution order.
  void select_steps() {
    std::vector<bool> needed = wanted();
    std::vector<NodeId> order = graph().order();
    std::vector<NodeId> selected;
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      const Node& node = graph().node(*it);
      const bool wanted = std::any_of(node.outputs.begin(), node.outputs.end(),
                                      [&](ValueId output) { return output.valid() && needed[index_of(output)]; });
      if (!wanted) continue;
      for (const ValueId input : node.inputs) {
        if (input.valid()) needed[index_of(input)] = true;
      }
      selected.push_back(*it);
    }
    for (auto it = selected.rbegin(); it != selected.rend(); ++it) {
      impl_->steps.push_back(bind(*it));
      Step& step = impl_->steps.back();
      needs_.push_back({step.kernel->is_view(), step.kernel->in_place_input(), step.kernel->scratch_bytes()});
      if (!keep_kernels_) step.kernel.reset();
      forget_weights(step);
    }
  }

  /// A kernel that packs its weight has a copy of it: the file's own pages need not stay.
  void forget_weights(const Step& step) const {
    for (const ValueId input : step.inputs) {
      const Tensor* constant = graph().constant(input);
      if (constant != nullptr && constant->bytes() >= kLargeWeightBytes) forget_file_pages({constant->data(), constant->bytes()});
    }
  }

  Step bind(NodeId id) {
    const Node& node = graph().node(id);
    return with_context(
        [&] { return Step{id, bind_kernel(bind_inputs(impl_->graph, node, ops_)), node.inputs, node.outputs}; },
        [&] { return fmt::format("while planning node '{}' ({})", node.display_name(), node.op_type); });
  }

  /// A view shares the bytes of its input: every value gets the root that owns them.
  void find_roots() {
    roots_.resize(graph().num_values());
    for (std::size_t value = 0; value < roots_.size(); ++value) roots_[value] = ValueId{static_cast<int>(value)};
    for (std::size_t k = 0; k < impl_->steps.size(); ++k) {
      const Step& step = impl_->steps[k];
      if (needs_[k].is_view) roots_[index_of(step.outputs.front())] = roots_[index_of(step.inputs.front())];
    }
  }

  void place_external() {
    impl_->placements.resize(graph().num_values());
    for (std::size_t value = 0; value < graph().num_values(); ++value) {
      const ValueId id{static_cast<int>(value)};
      if (graph().constant(id) != nullptr) impl_->placements[value] = {Placement::Kind::constant, 0, id};
    }
    for (std::size_t k = 0; k < graph().inputs.size(); ++k) {
      impl_->placements[index_of(graph().inputs[k])] = {Placement::Kind::input, k, {}};
    }
  }

  bool owns_arena(ValueId root) const { return impl_->placements[index_of(root)].kind == Placement::Kind::arena; }

  /// Simulates the run: allocates outputs, then frees what has no later reader.
  void lay_out() {
    constexpr std::size_t kForever = SIZE_MAX;
    last_use_.assign(graph().num_values(), 0);
    released_.assign(graph().num_values(), false);
    for (std::size_t k = 0; k < impl_->steps.size(); ++k) {
      for (const auto* list : {&impl_->steps[k].inputs, &impl_->steps[k].outputs}) {
        for (const ValueId id : *list) {
          if (id.valid()) last_use_[index_of(roots_[index_of(id)])] = k;
        }
      }
    }
    for (const ValueId target : impl_->targets) last_use_[index_of(roots_[index_of(target)])] = kForever;
    ArenaLayout layout;
    std::size_t scratch = 0;
    for (std::size_t k = 0; k < impl_->steps.size(); ++k) {
      place_step(k, layout);
      scratch = std::max(scratch, needs_[k].scratch_bytes);
      if (needs_[k].is_view) impl_->steps[k].kernel.reset();
    }
    impl_->scratch_offset = layout.peak();
    impl_->arena_bytes = layout.peak() + scratch;
  }

  void place_step(std::size_t k, ArenaLayout& layout) {
    const Step& step = impl_->steps[k];
    const ValueId reused = in_place_root(step, k);
    for (const ValueId output : step.outputs) {
      if (!output.valid()) continue;
      Placement& placement = impl_->placements[index_of(output)];
      if (needs_[k].is_view) {
        placement = impl_->placements[index_of(roots_[index_of(output)])];
      } else if (reused.valid() && output == step.outputs.front()) {
        placement = impl_->placements[index_of(reused)];
        released_[index_of(reused)] = true;
      } else {
        placement = {Placement::Kind::arena, layout.allocate(impl_->graph.type(output).bytes()), {}};
      }
    }
    release_dead(step, k, layout);
  }

  /// The dying input whose memory output 0 takes over, or an invalid id.
  ValueId in_place_root(const Step& step, std::size_t k) const {
    const int slot = needs_[k].in_place_input;
    if (slot < 0 || needs_[k].is_view || !step.outputs.front().valid()) return {};
    const ValueId input = step.inputs[static_cast<std::size_t>(slot)];
    if (!input.valid()) return {};
    const ValueId root = roots_[index_of(input)];
    const bool same_size = impl_->graph.type(root).bytes() == impl_->graph.type(step.outputs.front()).bytes();
    const auto readers = std::count_if(step.inputs.begin(), step.inputs.end(), [&](ValueId other) {
      return other.valid() && roots_[index_of(other)] == root;
    });
    if (!owns_arena(root) || last_use_[index_of(root)] != k || !same_size || readers != 1) return {};
    return root;
  }

  void release_dead(const Step& step, std::size_t k, ArenaLayout& layout) {
    for (const auto* list : {&step.inputs, &step.outputs}) {
      for (const ValueId id : *list) {
        if (!id.valid()) continue;
        const ValueId root = roots_[index_of(id)];
        if (!owns_arena(root) || last_use_[index_of(root)] != k || released_[index_of(root)]) continue;
        released_[index_of(root)] = true;
        layout.release(impl_->placements[index_of(root)].offset);
      }
    }
  }

  /// What the layout needs to know of a step's kernel.
  struct Needs {
    bool is_view = false;
    int in_place_input = -1;
    std::size_t scratch_bytes = 0;
  };

  std::shared_ptr<Plan::Impl> impl_;
  const OpRegistry& ops_;
  KernelChoice choice_;
  bool keep_kernels_ = true;
  std::vector<Needs> needs_;  ///< by step
  std::vector<ValueId> roots_;
  std::vector<std::size_t> last_use_;
  std::vector<bool> released_;  ///< roots whose memory went to another value or back to the layout
};

}  // namespace

Plan make_plan(TypedGraph graph, const PlanOptions& options, const OpRegistry& ops) {
  return Plan(Planner(std::move(graph), options, ops).run());
}

bool fuses_around(const TypedGraph& graph, const std::vector<ValueId>& taps) {
  const auto fused_nodes = [&](const std::vector<ValueId>& tapped) {
    TypedGraph typed = graph;
    std::vector<bool> pinned(typed.graph.num_values(), false);
    mark(typed.graph.outputs, pinned);
    mark(tapped, pinned);
    fuse(typed, pinned);
    return typed.graph.order().size();
  };
  return fused_nodes(taps) == fused_nodes({});
}

std::size_t measure_arena(TypedGraph graph, const OpRegistry& ops) {
  Planner planner(std::move(graph), {}, ops);
  planner.drop_kernels();
  return planner.run()->arena_bytes;
}

std::size_t Plan::arena_bytes() const noexcept { return impl_->arena_bytes; }
std::size_t Plan::num_steps() const noexcept { return impl_->steps.size(); }
const TypedGraph& Plan::typed_graph() const noexcept { return impl_->graph; }

std::vector<TensorType> Plan::input_types() const {
  std::vector<TensorType> types;
  for (const ValueId input : impl_->graph.graph.inputs) types.push_back(impl_->graph.type(input));
  return types;
}

}  // namespace nq
