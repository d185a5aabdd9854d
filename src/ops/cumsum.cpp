#include <algorithm>

#include "ops/broadcast.hpp"
#include "ops/check.hpp"
#include "ops/reduce_steps.hpp"

// CumSum, opsets 11 and 14. Sums run in double or modulo 2^64, each output rounded once.

namespace nq {
namespace {

template <typename T>
class CumSumKernel final : public Kernel {
 public:
  CumSumKernel(bool exclusive, bool reverse) : exclusive_(exclusive), reverse_(reverse) {}

  void run(const KernelArgs& args) const override {
    const Shape& shape = args.inputs[0].shape();
    if (args.outputs[0].elements() == 0) return;
    const int axis = normalize_axis(read_axis(args.inputs[1]), shape.rank());
    const std::int64_t size = shape[axis];
    std::int64_t inner = 1;
    for (int later = axis + 1; later < shape.rank(); ++later) inner *= shape[later];
    const std::int64_t lines = args.outputs[0].elements() / size;
    const T* in = args.inputs[0].as<T>();
    T* out = args.outputs[0].as<T>();
    const auto chunk = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t line = begin; line < end; ++line) {
        std::int64_t offset = line / inner * size * inner + line % inner;
        if (reverse_) offset += (size - 1) * inner;
        sum_line(in + offset, out + offset, size, reverse_ ? -inner : inner);
      }
    };
    parallel_for(0, lines, std::max<std::int64_t>(1, kElementGrain / size), std::ref(chunk));
  }

 private:
  static std::int64_t read_axis(const TensorView& axis) {
    return axis.dtype() == DType::i32 ? *axis.as<std::int32_t>() : *axis.as<std::int64_t>();
  }

  void sum_line(const T* in, T* out, std::int64_t size, std::int64_t stride) const {
    using Sum = SumStep<T>;
    auto acc = Sum::init();
    for (std::int64_t k = 0; k < size; ++k) {
      const T before = Sum::finish(acc, k);
      acc = Sum::step(acc, in[k * stride]);
      out[k * stride] = exclusive_ ? before : Sum::finish(acc, k);
    }
  }

  bool exclusive_;
  bool reverse_;
};

void infer_cumsum(OpContext& context) {
  check_arity(context, {2, 2});
  check_dtype(context, 0, {DType::f32, DType::f64, DType::i32, DType::i64, DType::u32, DType::u64});
  check_dtype(context, 1, {DType::i32, DType::i64});
  NQ_CHECK(context.input_shape(1).elements() == 1, input, "CumSum takes one axis, not {}",
           to_string(context.input_shape(1)));
  NQ_CHECK(context.input_shape(0).rank() > 0, input, "CumSum takes no scalar");
  context.set_output(0, context.input_type(0));
}

KernelPtr bind_cumsum(const OpContext& context) {
  const bool exclusive = attr_int(context.node(), "exclusive", 0) != 0;
  const bool reverse = attr_int(context.node(), "reverse", 0) != 0;
  return visit_numeric(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    return std::make_unique<CumSumKernel<typename decltype(tag)::type>>(exclusive, reverse);
  });
}

}  // namespace

void register_cumsum(OpRegistry& registry) {
  registry.add({"CumSum", 11, INT_MAX, infer_cumsum, bind_cumsum});
}

}  // namespace nq
