#include <algorithm>
#include <array>

#include "ops/arguments.hpp"
#include "ops/broadcast.hpp"
#include "ops/check.hpp"
#include "ops/reduce_layout.hpp"
#include "ops/reduce_steps.hpp"

// ReduceSum, Mean, Max, Min, Prod, L1, L2, SumSquare, LogSum, LogSumExp.
//
// An output is accumulated in an order that depends on the shape alone: along a contiguous axis in
// kLanes interleaved partial results that are then joined from first to last, else one by one.

namespace nq {
namespace {

constexpr int kLanes = 16;
constexpr std::int64_t kTile = 64;

template <typename T, typename Step>
class ReduceKernel final : public Kernel {
 public:
  explicit ReduceKernel(ReduceLayout layout) : layout_(std::move(layout)) {}

  void run(const KernelArgs& args) const override {
    const T* in = args.inputs[0].as<T>();
    T* out = args.outputs[0].as<T>();
    const std::int64_t grain =
        std::max<std::int64_t>(1, kElementGrain / std::max<std::int64_t>(1, layout_.count));
    const auto chunk = [&](std::int64_t begin, std::int64_t end) {
      if (layout_.count == 0) {
        std::fill(out + begin, out + end, Step::finish(Step::init(), 0));
      } else if (!layout_.kept.empty() && layout_.kept.back().stride == 1) {
        reduce_tiles(in, out, begin, end);
      } else {
        for (std::int64_t i = begin; i < end; ++i) out[i] = reduce_runs(in + strided_offset(layout_.kept, i));
      }
    };
    parallel_for(0, layout_.outputs, grain, std::ref(chunk));
  }

 private:
  using Acc = typename Step::Acc;

  static Acc reduce_run(const T* x, std::int64_t length) {
    std::array<Acc, kLanes> lanes;
    lanes.fill(Step::init());
    std::int64_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
      for (int lane = 0; lane < kLanes; ++lane) lanes[lane] = Step::step(lanes[lane], x[i + lane]);
    }
    for (int lane = 0; i + lane < length; ++lane) lanes[lane] = Step::step(lanes[lane], x[i + lane]);
    Acc acc = lanes[0];
    for (int lane = 1; lane < kLanes; ++lane) acc = Step::merge(acc, lanes[lane]);
    return acc;
  }

  /// One output whose innermost reduced axis is contiguous.
  T reduce_runs(const T* x) const {
    const std::span<const StridedAxis> axes = layout_.reduced;
    if (axes.empty()) return Step::finish(Step::step(Step::init(), *x), 1);
    const std::int64_t length = axes.back().size;
    Acc acc = reduce_run(x, length);
    for (std::int64_t run = 1; run < layout_.count / length; ++run) {
      acc = Step::merge(acc, reduce_run(x + strided_offset(axes.first(axes.size() - 1), run), length));
    }
    return Step::finish(acc, layout_.count);
  }

  /// Outputs [begin, end), neighbours in memory being neighbours in the input.
  void reduce_tiles(const T* in, T* out, std::int64_t begin, std::int64_t end) const {
    const std::int64_t row = layout_.kept.back().size;
    for (std::int64_t first = begin; first < end;) {
      const std::int64_t size = std::min({kTile, row - first % row, end - first});
      const T* x = in + strided_offset(layout_.kept, first);
      std::array<Acc, kTile> acc;
      acc.fill(Step::init());
      for (std::int64_t k = 0; k < layout_.count; ++k) {
        const T* line = x + strided_offset(layout_.reduced, k);
        for (std::int64_t i = 0; i < size; ++i) acc[i] = Step::step(acc[i], line[i]);
      }
      for (std::int64_t i = 0; i < size; ++i) out[first + i] = Step::finish(acc[i], layout_.count);
      first += size;
    }
  }

  ReduceLayout layout_;
};

/// Axes to reduce; an absent or empty list means all, or none with `noop_with_empty_axes`.
std::vector<bool> reduced_axes(const OpContext& context) {
  const int input_since = context.node().op_type == "ReduceSum" ? 13 : 18;
  const int rank = context.input_shape(0).rank();
  const auto axes = ints_argument(context, {"axes", 1, input_since}).value_or(std::vector<std::int64_t>{});
  if (axes.empty()) {
    const bool none = attr_int(context.node(), "noop_with_empty_axes", 0) != 0;
    return std::vector<bool>(static_cast<std::size_t>(rank), !none);
  }
  std::vector<bool> reduced(static_cast<std::size_t>(rank), false);
  for (const int axis : normalize_axes(axes, rank)) reduced[static_cast<std::size_t>(axis)] = true;
  return reduced;
}

void infer_shape(OpContext& context) {
  check_arity(context, {1, 2});
  const bool keep_dims = attr_int(context.node(), "keepdims", 1) != 0;
  const Shape shape = reduced_shape(context.input_shape(0), reduced_axes(context), keep_dims);
  context.set_output(0, {context.input_type(0).dtype, shape});
}

void infer_reduce(OpContext& context) {
  infer_shape(context);
  check_dtype(context, 0, {DType::f32, DType::f64, DType::i32, DType::i64, DType::u32, DType::u64});
}

void infer_extremum(OpContext& context) {
  infer_shape(context);
  const DType dtype = context.input_type(0).dtype;
  const bool bool_input = dtype == DType::boolean && context.opset() >= 20;
  if (!bool_input && !is_numeric(dtype)) fail_dtype(context, 0);
}

template <typename T, typename Step>
KernelPtr make_reduce(const OpContext& context) {
  return std::make_unique<ReduceKernel<T, Step>>(
      make_reduce_layout(context.input_shape(0), reduced_axes(context)));
}

template <template <typename> class Step>
KernelPtr bind_reduce(const OpContext& context) {
  switch (context.input_type(0).dtype) {
    case DType::f32: return make_reduce<float, Step<float>>(context);
    case DType::f64: return make_reduce<double, Step<double>>(context);
    case DType::i32: return make_reduce<std::int32_t, Step<std::int32_t>>(context);
    case DType::i64: return make_reduce<std::int64_t, Step<std::int64_t>>(context);
    case DType::u32: return make_reduce<std::uint32_t, Step<std::uint32_t>>(context);
    default: return make_reduce<std::uint64_t, Step<std::uint64_t>>(context);
  }
}

template <template <typename> class Step, typename BoolStep>
KernelPtr bind_extremum(const OpContext& context) {
  const DType dtype = context.input_type(0).dtype;
  if (dtype == DType::boolean) return make_reduce<std::uint8_t, BoolStep>(context);
  return visit_numeric(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return make_reduce<T, Step<T>>(context);
  });
}

template <template <typename> class Step>
OpDef reduce_op(std::string_view type) {
  return {type, 1, INT_MAX, infer_reduce, bind_reduce<Step>};
}

}  // namespace

void register_reduce(OpRegistry& registry) {
  registry.add(reduce_op<SumStep>("ReduceSum"));
  registry.add(reduce_op<MeanStep>("ReduceMean"));
  registry.add(reduce_op<ProdStep>("ReduceProd"));
  registry.add(reduce_op<L1Step>("ReduceL1"));
  registry.add(reduce_op<L2Step>("ReduceL2"));
  registry.add(reduce_op<SumSquareStep>("ReduceSumSquare"));
  registry.add(reduce_op<LogSumStep>("ReduceLogSum"));
  registry.add(reduce_op<LogSumExpStep>("ReduceLogSumExp"));
  registry.add({"ReduceMax", 1, INT_MAX, infer_extremum, bind_extremum<MaxStep, AnyStep>});
  registry.add({"ReduceMin", 1, INT_MAX, infer_extremum, bind_extremum<MinStep, AllStep>});
}

}  // namespace nq
