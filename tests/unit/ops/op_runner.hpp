#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "nq/error.hpp"
#include "nq/op.hpp"

// Runs one operator of builtin_ops() on tensors, without a graph or an executor.

namespace nq::test {

inline constexpr std::int64_t kSmallest = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
inline constexpr float kInf = std::numeric_limits<float>::infinity();

/// The node to run. Inputs of the call that are default-constructed tensors count as omitted.
struct OpCase {
  std::string type;
  int opset = 17;
  Attributes attributes = {};
  int num_outputs = 1;
  bool constant_inputs = true;  ///< whether infer and bind may see the values of the inputs
  std::string domain = {};
};

/// Owns what an OpContext refers to.
class OpRunner {
 public:
  OpRunner(const OpCase& op, std::vector<Tensor> inputs) : inputs_(std::move(inputs)) {
    node_.op_type = op.type;
    node_.domain = op.domain;
    node_.opset = op.opset;
    node_.attributes = op.attributes;
    std::vector<const TensorType*> types;
    std::vector<const Tensor*> constants;
    for (const Tensor& input : inputs_) {
      const bool present = !input.empty_handle();
      node_.inputs.push_back({present ? static_cast<std::int32_t>(types.size()) : -1});
      types.push_back(present ? &input.type() : nullptr);
      constants.push_back(present && op.constant_inputs ? &input : nullptr);
    }
    for (int i = 0; i < op.num_outputs; ++i) node_.outputs.push_back({1000 + i});
    context_ = std::make_unique<OpContext>(node_, std::move(types), std::move(constants));
    def_ = builtin_ops().find(op.domain, op.type, op.opset);
    if (def_ == nullptr) throw Error(ErrorKind::unsupported, "no operator " + op.type);
    def_->infer(*context_);
  }

  const OpContext& context() const { return *context_; }
  const OpDef& def() const { return *def_; }

  /// Outputs into fresh memory; when the kernel allows it, also over a copy of its in-place
  /// input, where the bytes must come out the same.
  std::vector<Tensor> run() const {
    const auto kernel = def_->bind(*context_);
    std::vector<Tensor> outputs = run_into(*kernel, -1);
    const int in_place = kernel->in_place_input();
    if (in_place >= 0 && inputs_[in_place].bytes() == outputs[0].bytes()) {
      const std::vector<Tensor> overwritten = run_into(*kernel, in_place);
      CHECK(std::memcmp(overwritten[0].data(), outputs[0].data(), outputs[0].bytes()) == 0);
    }
    return outputs;
  }

 private:
  std::vector<Tensor> run_into(const Kernel& kernel, int in_place) const {
    std::vector<Tensor> outputs;
    std::vector<MutableTensorView> output_views;
    for (int i = 0; i < context_->num_outputs(); ++i) {
      outputs.emplace_back(context_->output_type(i));
      output_views.push_back({outputs.back().mutable_data(), &context_->output_type(i)});
    }
    std::vector<TensorView> input_views;
    for (const Tensor& input : inputs_) {
      input_views.push_back(input.empty_handle() ? TensorView{} : input.view());
    }
    if (in_place >= 0) {
      std::memcpy(output_views[0].data, inputs_[in_place].data(), inputs_[in_place].bytes());
      input_views[in_place].data = output_views[0].data;
    }
    if (kernel.is_view()) {
      std::memcpy(output_views[0].data, inputs_[0].data(), inputs_[0].bytes());
      return outputs;
    }
    const Tensor scratch(TensorType{DType::u8, Shape{static_cast<std::int64_t>(kernel.scratch_bytes())}});
    kernel.run({input_views, output_views, {const_cast<std::byte*>(scratch.data()), kernel.scratch_bytes()}});
    return outputs;
  }

  std::vector<Tensor> inputs_;
  Node node_;
  std::unique_ptr<OpContext> context_;
  const OpDef* def_ = nullptr;
};

inline std::vector<Tensor> run_op(const OpCase& op, std::vector<Tensor> inputs) {
  return OpRunner(op, std::move(inputs)).run();
}

/// First output of the operator.
inline Tensor run_op1(const OpCase& op, std::vector<Tensor> inputs) {
  return run_op(op, std::move(inputs)).front();
}

template <typename T>
Tensor tensor(Shape shape, const std::vector<T>& values) {
  return Tensor::of<T>(std::move(shape), values);
}

/// Elements of a tensor as T; T must match its dtype.
template <typename T>
std::vector<T> values(const Tensor& tensor) {
  const auto span = tensor.span<T>();
  return {span.begin(), span.end()};
}

/// Checks that running the operator throws nq::Error of `kind`.
inline void check_fails(const OpCase& op, std::vector<Tensor> inputs, ErrorKind kind = ErrorKind::input) {
  try {
    (void)run_op(op, std::move(inputs));
  } catch (const Error& error) {
    INFO(error.full_text());
    CHECK(error.kind() == kind);
    return;
  }
  FAIL_CHECK(op.type << " accepted a hostile node");
}

}  // namespace nq::test
