#include "core/check.hpp"
#include "nq/op.hpp"

namespace nq {

OpContext::OpContext(const Node& node, std::vector<const TensorType*> input_types,
                     std::vector<const Tensor*> constants)
    : node_(&node),
      input_types_(std::move(input_types)),
      constants_(std::move(constants)),
      outputs_(node.outputs.size()) {
  constants_.resize(input_types_.size(), nullptr);
}

bool OpContext::has_input(int i) const noexcept {
  return i >= 0 && i < num_inputs() && input_types_[static_cast<std::size_t>(i)] != nullptr;
}

const TensorType& OpContext::input_type(int i) const {
  NQ_CHECK(has_input(i), input, "{} needs input {}, which is missing", node_->op_type, i);
  return *input_types_[static_cast<std::size_t>(i)];
}

const Tensor* OpContext::constant(int i) const noexcept {
  return has_input(i) ? constants_[static_cast<std::size_t>(i)] : nullptr;
}

const Tensor& OpContext::require_constant(int i) const {
  (void)input_type(i);
  const Tensor* value = constant(i);
  NQ_CHECK(value != nullptr, unsupported, "{} input {} must be known before running", node_->op_type, i);
  return *value;
}

bool OpContext::has_output(int i) const noexcept {
  return i >= 0 && i < num_outputs() && node_->outputs[static_cast<std::size_t>(i)].valid();
}

void OpContext::set_output(int i, TensorType type) {
  NQ_CHECK(i >= 0 && i < num_outputs(), input, "{} needs output {}, which is missing", node_->op_type, i);
  (void)type.shape.elements();
  outputs_[static_cast<std::size_t>(i)] = std::move(type);
}

const TensorType& OpContext::output_type(int i) const {
  NQ_ASSERT(i >= 0 && i < num_outputs() && outputs_[static_cast<std::size_t>(i)].has_value());
  return *outputs_[static_cast<std::size_t>(i)];
}

}  // namespace nq
