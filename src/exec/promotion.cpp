#include "exec/promotion.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "core/check.hpp"
#include "core/parallel.hpp"
#include "ops/convert.hpp"

namespace nq {
namespace {

constexpr std::int64_t kConvertGrain = 1 << 15;
constexpr std::size_t kAlignment = 64;

bool is_reduced(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// Converts elements with the rules of Cast.
void convert(const std::byte* from, DType from_type, std::byte* to, DType to_type, std::int64_t count) {
  const Converter converter = find_converter(from_type, to_type);
  const auto chunk = [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin);
    converter(from + first * element_bytes(from_type), to + first * element_bytes(to_type), end - begin);
  };
  parallel_for(0, count, kConvertGrain, std::cref(chunk));
}

void to_f32(const TensorView& from, float* to) {
  convert(from.data, from.dtype(), reinterpret_cast<std::byte*>(to), DType::f32, from.elements());
}

void from_f32(const float* from, const MutableTensorView& to) {
  convert(reinterpret_cast<const std::byte*>(from), DType::f32, to.data, to.dtype(), to.elements());
}

/// Types and constants of a node with reduced floats replaced by float32.
struct Promoted {
  std::vector<TensorType> types;
  std::vector<Tensor> constants;
  std::optional<DType> reduced;

  explicit Promoted(const NodeBinding& binding)
      : types(binding.input_types.size()), constants(binding.input_types.size()) {
    for (std::size_t i = 0; i < binding.input_types.size(); ++i) {
      if (binding.input_types[i] == nullptr) continue;
      types[i] = *binding.input_types[i];
      if (binding.constants[i] != nullptr) constants[i] = *binding.constants[i];
      if (!is_reduced(types[i].dtype)) continue;
      if (!reduced) reduced = types[i].dtype;
      types[i].dtype = DType::f32;
      if (binding.constants[i] == nullptr) continue;
      Tensor converted(types[i]);
      to_f32(binding.constants[i]->view(), converted.mutable_span<float>().data());
      constants[i] = std::move(converted);
    }
  }

  OpContext context(const NodeBinding& binding) const {
    std::vector<const TensorType*> type_pointers;
    std::vector<const Tensor*> constant_pointers;
    for (std::size_t i = 0; i < types.size(); ++i) {
      type_pointers.push_back(binding.input_types[i] != nullptr ? &types[i] : nullptr);
      constant_pointers.push_back(binding.constants[i] != nullptr ? &constants[i] : nullptr);
    }
    return {*binding.node, std::move(type_pointers), std::move(constant_pointers)};
  }
};

bool needs_promotion(const NodeBinding& binding) {
  return binding.def->promotion == Promotion::compute_in_f32 &&
         std::any_of(binding.input_types.begin(), binding.input_types.end(),
                     [](const TensorType* type) { return type != nullptr && is_reduced(type->dtype); });
}

/// Runs a float32 kernel on float16 or bfloat16 tensors through converted copies in scratch.
class PromotedKernel final : public Kernel {
 public:
  PromotedKernel(std::unique_ptr<const Kernel> inner, Promoted promoted, std::vector<TensorType> output_types)
      : inner_(std::move(inner)), promoted_(std::move(promoted)), output_types_(std::move(output_types)) {
    for (std::size_t i = 0; i < promoted_.types.size(); ++i) {
      if (promoted_.constants[i].empty_handle()) converted_bytes_ += aligned(promoted_.types[i].bytes());
    }
    for (const TensorType& type : output_types_) converted_bytes_ += aligned(type.bytes());
  }

  std::size_t scratch_bytes() const override {
    return converted_bytes_ + inner_->scratch_bytes();
  }

  void run(const KernelArgs& args) const override {
    std::byte* cursor = args.scratch.data();
    const auto take = [&cursor](std::size_t bytes) { return std::exchange(cursor, cursor + aligned(bytes)); };
    std::array<TensorView, kSlots> inputs{};
    std::array<MutableTensorView, kSlots> outputs{};
    for (std::size_t i = 0; i < args.inputs.size(); ++i) inputs[i] = convert_input(args.inputs[i], i, take);
    for (std::size_t i = 0; i < args.outputs.size(); ++i) {
      outputs[i] = args.outputs[i];
      if (!outputs[i].present() || !is_reduced(outputs[i].dtype())) continue;
      outputs[i] = {take(output_types_[i].bytes()), &output_types_[i]};
    }
    const std::size_t used = static_cast<std::size_t>(cursor - args.scratch.data());
    inner_->run({std::span(inputs).first(args.inputs.size()), std::span(outputs).first(args.outputs.size()),
                 args.scratch.subspan(used)});
    for (std::size_t i = 0; i < args.outputs.size(); ++i) {
      if (outputs[i].data != args.outputs[i].data) from_f32(outputs[i].as<float>(), args.outputs[i]);
    }
  }

 private:
  static constexpr std::size_t kSlots = 64;

  template <typename Take>
  TensorView convert_input(const TensorView& input, std::size_t index, const Take& take) const {
    if (!input.present() || !is_reduced(input.dtype())) return input;
    const Tensor& constant = promoted_.constants[index];
    if (!constant.empty_handle()) return constant.view();
    std::byte* copy = take(promoted_.types[index].bytes());
    to_f32(input, reinterpret_cast<float*>(copy));
    return {copy, &promoted_.types[index]};
  }

  std::unique_ptr<const Kernel> inner_;
  Promoted promoted_;
  std::vector<TensorType> output_types_;
  std::size_t converted_bytes_ = 0;
};

}  // namespace

std::vector<std::optional<TensorType>> infer_types(const NodeBinding& binding) {
  if (!needs_promotion(binding)) {
    OpContext context(*binding.node, binding.input_types, binding.constants);
    binding.def->infer(context);
    return context.output_types();
  }
  const Promoted promoted(binding);
  OpContext context = promoted.context(binding);
  binding.def->infer(context);
  std::vector<std::optional<TensorType>> types = context.output_types();
  for (auto& type : types) {
    if (type && type->dtype == DType::f32) type->dtype = *promoted.reduced;
  }
  return types;
}

std::unique_ptr<const Kernel> bind_kernel(const NodeBinding& binding) {
  if (!needs_promotion(binding)) {
    OpContext context(*binding.node, binding.input_types, binding.constants);
    binding.def->infer(context);
    return binding.def->bind(context);
  }
  NQ_CHECK(binding.input_types.size() <= 64 && binding.node->outputs.size() <= 64, unsupported,
           "float16 nodes with more than 64 inputs or outputs are not supported");
  Promoted promoted(binding);
  OpContext context = promoted.context(binding);
  binding.def->infer(context);
  std::unique_ptr<const Kernel> inner = binding.def->bind(context);
  std::vector<TensorType> output_types;
  for (const auto& type : context.output_types()) output_types.push_back(type.value_or(TensorType{}));
  return std::make_unique<PromotedKernel>(std::move(inner), std::move(promoted), std::move(output_types));
}

}  // namespace nq
