#include "exec/folding.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/file_mapping.hpp"

namespace nq {
namespace {

/// Largest tensor that folding may create: a hostile Expand must not eat the memory.
constexpr std::size_t kMaxFoldedBytes = std::size_t{1} << 30;

}  // namespace

NodeBinding bind_inputs(const TypedGraph& typed, const Node& node, const OpRegistry& ops) {
  NodeBinding binding;
  binding.node = &node;
  binding.def = ops.find(node.domain, node.op_type, node.opset);
  NQ_CHECK(binding.def != nullptr, unsupported, "operator is not supported");
  for (const ValueId input : node.inputs) {
    binding.input_types.push_back(input.valid() ? &typed.type(input) : nullptr);
    binding.constants.push_back(typed.graph.constant(input));
  }
  return binding;
}

bool can_fold(const TypedGraph& typed, const Node& node) {
  const bool reads_only_types = node.domain.empty() && (node.op_type == "Shape" || node.op_type == "Size");
  const bool constant_inputs = std::all_of(node.inputs.begin(), node.inputs.end(), [&](ValueId input) {
    return !input.valid() || typed.graph.constant(input) != nullptr;
  });
  if (!reads_only_types && !constant_inputs) return false;
  return std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
    return !output.valid() || typed.type(output).bytes() <= kMaxFoldedBytes;
  });
}

void fold_node(TypedGraph& typed, NodeId id, const NodeBinding& bound) {
  const Node& node = typed.graph.node(id);
  const std::unique_ptr<const Kernel> kernel = bind_kernel(bound);
  static constexpr std::byte kUnread{};
  std::vector<TensorView> inputs;
  for (const ValueId input : node.inputs) {
    if (!input.valid()) inputs.emplace_back();
    else if (const Tensor* constant = typed.graph.constant(input)) inputs.push_back(constant->view());
    else inputs.push_back({&kUnread, &typed.type(input)});
  }
  std::vector<Tensor> results;
  std::vector<MutableTensorView> outputs;
  for (const ValueId output : node.outputs) {
    results.emplace_back(output.valid() ? Tensor(typed.type(output)) : Tensor());
    outputs.push_back({results.back().mutable_data(), output.valid() ? &typed.type(output) : nullptr});
  }
  const Tensor scratch(TensorType{DType::u8, Shape{static_cast<std::int64_t>(kernel->scratch_bytes())}});
  kernel->run({inputs, outputs, {const_cast<std::byte*>(scratch.data()), kernel->scratch_bytes()}});
  for (const TensorView& input : inputs) {
    // What was folded is read from its result from now on.
    if (input.present() && input.data != &kUnread) forget_file_pages({input.data, input.type->bytes()});
  }
  const std::vector<ValueId> made = node.outputs;
  typed.graph.remove_node(id);
  for (std::size_t k = 0; k < made.size(); ++k) {
    if (made[k].valid()) typed.graph.value(made[k]).constant = std::move(results[k]);
  }
}

void fold_constants(TypedGraph& typed, const OpRegistry& ops) {
  for (const NodeId id : typed.graph.order()) {
    const Node& node = typed.graph.node(id);
    if (!can_fold(typed, node)) continue;
    with_context([&] { fold_node(typed, id, bind_inputs(typed, node, ops)); },
                 [&] { return fmt::format("while folding node '{}' ({})", node.display_name(), node.op_type); });
  }
}

}  // namespace nq
