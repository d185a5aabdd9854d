#include <algorithm>
#include <array>

#include "ops/check.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// True for values that compare unequal to zero, so for NaN and not for -0.
template <typename T>
bool is_nonzero(T value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>)
    return to_float(value) != 0.0F;
  else
    return value != T{0};
}

/// Calls visitor(TypeTag<T>{}) for numeric types, float16, bfloat16 and bool.
template <typename Visitor>
void visit_value(DType dtype, Visitor&& visitor) {
  switch (dtype) {
    case DType::boolean: return visitor(TypeTag<bool>{});
    case DType::f16: return visitor(TypeTag<Half>{});
    case DType::bf16: return visitor(TypeTag<BFloat16>{});
    default: return visit_numeric(dtype, visitor);
  }
}

template <typename T>
std::int64_t count_nonzero(const TensorView& tensor) {
  const auto values = tensor.span<T>();
  return std::count_if(values.begin(), values.end(), [](T value) { return is_nonzero(value); });
}

/// Output [rank, n]: column j is the position of the j-th non-zero element in row-major order.
/// n depends on the values, so the input must be a constant.
void infer_nonzero(OpContext& context) {
  check_arity(context, {1, 1});
  const DType dtype = context.input_type(0).dtype;
  const bool known =
      is_numeric(dtype) || dtype == DType::boolean || dtype == DType::f16 || dtype == DType::bf16;
  if (!known) fail_dtype(context, 0);
  const TensorView value = context.require_constant(0).view();
  std::int64_t count = 0;
  visit_value(dtype, [&](auto tag) { count = count_nonzero<typename decltype(tag)::type>(value); });
  context.set_output(0, {DType::i64, {context.input_shape(0).rank(), count}});
}

class NonZeroKernel final : public Kernel {
 public:
  explicit NonZeroKernel(std::vector<std::int64_t> strides) : strides_(std::move(strides)) {}

  void run(const KernelArgs& args) const override {
    visit_value(args.inputs[0].dtype(), [&](auto tag) {
      const auto values = args.inputs[0].span<typename decltype(tag)::type>();
      std::int64_t* out = args.outputs[0].as<std::int64_t>();
      const std::int64_t columns = args.outputs[0].shape()[1];
      std::int64_t column = 0;
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (!is_nonzero(values[k])) continue;
        auto rest = static_cast<std::int64_t>(k);
        for (std::size_t axis = 0; axis < strides_.size(); ++axis) {
          out[static_cast<std::int64_t>(axis) * columns + column] = rest / strides_[axis];
          rest %= strides_[axis];
        }
        ++column;
      }
    });
  }

 private:
  std::vector<std::int64_t> strides_;
};

KernelPtr bind_nonzero(const OpContext& context) {
  return std::make_unique<NonZeroKernel>(dense_strides(context.input_shape(0)));
}

}  // namespace

void register_nonzero(OpRegistry& registry) {
  registry.add({.type = "NonZero",
                .since = 9,
                .infer = infer_nonzero,
                .bind = bind_nonzero,
                .promotion = Promotion::none});
}

}  // namespace nq
