#include "ops/elementwise.hpp"

// Max, Min, Sum, Mean over one or more tensors with broadcasting (before opset 8 without).

namespace nq {
namespace {

// The larger or smaller value; NaN wins, as in numpy.maximum.
struct MaxFn {
  template <typename T>
  T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};
struct MinFn {
  template <typename T>
  T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};
struct SumFn {
  template <typename T>
  T operator()(T a, T b) const {
    return a + b;
  }
};

/// Left fold of the inputs into the output, in input order, then division by `divisor`.
template <typename T, typename Fn>
class FoldKernel final : public Kernel {
 public:
  FoldKernel(std::vector<Broadcast<2>> walks, T divisor) : walks_(std::move(walks)), divisor_(divisor) {}

  void run(const KernelArgs& args) const override {
    T* out = args.outputs[0].as<T>();
    fold(walks_[0], args.inputs[0].as<T>(), out, [](T, T x) { return x; });
    for (std::size_t i = 1; i < walks_.size(); ++i) fold(walks_[i], args.inputs[i].as<T>(), out, Fn{});
    if (divisor_ == T{1}) return;
    parallel_elements(args.outputs[0].elements(), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) out[i] = static_cast<T>(out[i] / divisor_);
    });
  }

 private:
  template <typename Step>
  static void fold(const Broadcast<2>& walk, const T* in, T* out, Step step) {
    const std::int64_t in_step = walk.axes.back().stride[1];
    parallel_runs(walk, [=](std::int64_t position, const auto& offsets, std::int64_t length) {
      const T* x = in + offsets[1];
      T* y = out + position;
      if (in_step != 0) {
        for (std::int64_t i = 0; i < length; ++i) y[i] = step(y[i], x[i]);
      } else {
        const T value = *x;
        for (std::int64_t i = 0; i < length; ++i) y[i] = step(y[i], value);
      }
    });
  }

  std::vector<Broadcast<2>> walks_;
  T divisor_;
};

void infer_variadic(OpContext& context) {
  check_arity(context, {1, INT_MAX});
  Shape shape = context.input_shape(0);
  for (int i = 0; i < context.num_inputs(); ++i) {
    check_same_dtype(context, 0, i);
    const Shape& other = context.input_shape(i);
    NQ_CHECK(context.opset() >= 8 || other == shape, input, "{} (opset {}) does not broadcast {} with {}",
             context.node().op_type, context.opset(), to_string(shape), to_string(other));
    shape = broadcast_shape(shape, other);
  }
  context.set_output(0, {context.input_type(0).dtype, shape});
}

void infer_numeric_variadic(OpContext& context) {
  infer_variadic(context);
  if (!is_numeric(context.input_type(0).dtype)) fail_dtype(context, 0);
}

void infer_float_variadic(OpContext& context) {
  infer_variadic(context);
  check_float(context, 0);
}

std::vector<Broadcast<2>> make_walks(const OpContext& context) {
  const Shape& out = context.output_type(0).shape;
  std::vector<Broadcast<2>> walks;
  for (int i = 0; i < context.num_inputs(); ++i) {
    walks.push_back(make_broadcast<2>(out, {&out, &context.input_shape(i)}));
  }
  return walks;
}

template <typename Fn>
KernelPtr bind_extremum(const OpContext& context) {
  return visit_numeric(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    using T = typename decltype(tag)::type;
    return std::make_unique<FoldKernel<T, Fn>>(make_walks(context), T{1});
  });
}

KernelPtr bind_sum(const OpContext& context) {
  const int divisor = context.node().op_type == "Mean" ? context.num_inputs() : 1;
  return visit_float(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    using T = typename decltype(tag)::type;
    return std::make_unique<FoldKernel<T, SumFn>>(make_walks(context), static_cast<T>(divisor));
  });
}

}  // namespace

void register_variadic(OpRegistry& registry) {
  registry.add({"Max", 1, INT_MAX, infer_numeric_variadic, bind_extremum<MaxFn>});
  registry.add({"Min", 1, INT_MAX, infer_numeric_variadic, bind_extremum<MinFn>});
  registry.add({"Sum", 1, INT_MAX, infer_float_variadic, bind_sum});
  registry.add({"Mean", 1, INT_MAX, infer_float_variadic, bind_sum});
}

}  // namespace nq
