#include <algorithm>

#include "ops/broadcast.hpp"
#include "ops/check.hpp"

// ArgMax and ArgMin: int64 index of the extremum along one axis. The first NaN counts as the
// extremum, as in numpy.

namespace nq {
namespace {

/// A dense tensor seen as [outer, axis, inner].
struct AxisView {
  std::int64_t outer = 1;
  std::int64_t size = 1;
  std::int64_t inner = 1;
};

struct Greater {
  template <typename T>
  bool operator()(T a, T b) const {
    return a > b;
  }
};
struct Less {
  template <typename T>
  bool operator()(T a, T b) const {
    return a < b;
  }
};

template <typename T, typename Better>
class ArgKernel final : public Kernel {
 public:
  ArgKernel(AxisView view, bool select_last) : view_(view), select_last_(select_last) {}

  void run(const KernelArgs& args) const override {
    const T* in = args.inputs[0].as<T>();
    std::int64_t* out = args.outputs[0].as<std::int64_t>();
    const auto chunk = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        out[i] = index_of_best(in + i / view_.inner * view_.size * view_.inner + i % view_.inner);
      }
    };
    parallel_for(0, view_.outer * view_.inner, std::max<std::int64_t>(1, kElementGrain / view_.size),
                 std::ref(chunk));
  }

 private:
  std::int64_t index_of_best(const T* x) const {
    T best = x[0];
    std::int64_t index = 0;
    for (std::int64_t k = 1; k < view_.size && best == best; ++k) {
      const T value = x[k * view_.inner];
      const bool wins = Better{}(value, best) || value != value || (select_last_ && value == best);
      if (!wins) continue;
      best = value;
      index = k;
    }
    return index;
  }

  AxisView view_;
  bool select_last_;
};

int reduced_axis(const OpContext& context) {
  return normalize_axis(attr_int(context.node(), "axis", 0), context.input_shape(0).rank());
}

void infer_arg(OpContext& context) {
  check_arity(context, {1, 1});
  if (!is_numeric(context.input_type(0).dtype)) fail_dtype(context, 0);
  const Shape& shape = context.input_shape(0);
  const int axis = reduced_axis(context);
  NQ_CHECK(shape[axis] > 0, input, "{} along axis {} of {}, which is empty", context.node().op_type, axis,
           to_string(shape));
  const bool keep_dims = attr_int(context.node(), "keepdims", 1) != 0;
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i != axis) out.push_back(shape[i]);
    if (i == axis && keep_dims) out.push_back(1);
  }
  context.set_output(0, {DType::i64, out});
}

template <typename Better>
KernelPtr bind_arg(const OpContext& context) {
  const Shape& shape = context.input_shape(0);
  const int axis = reduced_axis(context);
  AxisView view;
  view.size = shape[axis];
  if (shape.elements() == 0) view.outer = 0;
  for (int i = 0; i < shape.rank() && view.outer > 0; ++i) {
    if (i < axis) view.outer *= shape[i];
    if (i > axis) view.inner *= shape[i];
  }
  const bool select_last = context.opset() >= 12 && attr_int(context.node(), "select_last_index", 0) != 0;
  return visit_numeric(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    return std::make_unique<ArgKernel<typename decltype(tag)::type, Better>>(view, select_last);
  });
}

}  // namespace

void register_arg_reduce(OpRegistry& registry) {
  registry.add({"ArgMax", 1, INT_MAX, infer_arg, bind_arg<Greater>});
  registry.add({"ArgMin", 1, INT_MAX, infer_arg, bind_arg<Less>});
}

}  // namespace nq
