#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/parallel.hpp"
#include "ops/arguments.hpp"
#include "ops/check.hpp"

namespace nq {
namespace {

/// Rows are shared out to at most this many workers, each with scratch of its own.
constexpr std::int64_t kParts = 16;

int top_k_axis(const OpContext& context) {
  return normalize_axis(attr_int(context.node(), "axis", -1), context.input_shape(0).rank());
}

/// k is an attribute in opset 1, an input of one element later.
std::int64_t top_k_count(const OpContext& context) {
  if (context.opset() >= 10) return constant_int(context, 1);
  NQ_CHECK(has_attr(context.node(), "k"), input, "TopK has no k");
  return attr_int(context.node(), "k", 0);
}

void infer_top_k(OpContext& context) {
  const int inputs = context.opset() < 10 ? 1 : 2;
  check_arity(context, {inputs, inputs}, {0, 2});
  const DType dtype = context.input_type(0).dtype;
  if (!is_numeric(dtype) && dtype != DType::f16 && dtype != DType::bf16) fail_dtype(context, 0);
  Shape out = context.input_shape(0);
  const int axis = top_k_axis(context);
  const std::int64_t k = top_k_count(context);
  NQ_CHECK(k >= 0 && k <= out[axis], input, "TopK k is {} for an axis of {}", k, out[axis]);
  out[axis] = k;
  if (context.has_output(0)) context.set_output(0, {dtype, out});
  if (context.has_output(1)) context.set_output(1, {DType::i64, out});
}

float comparable(Half value) { return to_float(value); }
float comparable(BFloat16 value) { return to_float(value); }
template <typename T>
T comparable(T value) {
  return value;
}

/// Strict order of the results; NaN counts as larger than every number.
template <typename T>
bool precedes(T a, T b, bool largest) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return largest ? !std::isnan(b) : !std::isnan(a);
  }
  return largest ? a > b : a < b;
}

/// Results are always sorted; equal elements come in the order of their indices.
class TopKKernel final : public Kernel {
 public:
  explicit TopKKernel(const OpContext& context)
      : largest_(attr_int(context.node(), "largest", 1) != 0), k_(top_k_count(context)) {
    const Shape& shape = context.input_shape(0);
    const int axis = top_k_axis(context);
    length_ = shape[axis];
    if (shape.elements() == 0) return;
    inner_ = Shape(std::vector(shape.begin() + axis + 1, shape.end())).elements();
    rows_ = shape.elements() / length_;
  }

  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(parts() * length_) * sizeof(std::int64_t);
  }

  void run(const KernelArgs& args) const override {
    switch (args.inputs[0].dtype()) {
      case DType::f16: return run_as<Half>(args);
      case DType::bf16: return run_as<BFloat16>(args);
      default:
        visit_numeric(args.inputs[0].dtype(), [&](auto tag) { run_as<typename decltype(tag)::type>(args); });
    }
  }

 private:
  std::int64_t parts() const { return std::min(rows_, kParts); }

  template <typename T>
  void run_as(const KernelArgs& args) const {
    auto* scratch = reinterpret_cast<std::int64_t*>(args.scratch.data());
    const auto chunk = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t part = begin; part < end; ++part) {
        for (std::int64_t row = part; row < rows_; row += parts()) {
          select<T>(args, row, {scratch + part * length_, static_cast<std::size_t>(length_)});
        }
      }
    };
    parallel_for(0, parts(), 1, std::ref(chunk));
  }

  /// Row `row` is (outer, inner) with the axis between them.
  template <typename T>
  void select(const KernelArgs& args, std::int64_t row, std::span<std::int64_t> order) const {
    const std::int64_t outer = row / inner_;
    const T* in = args.inputs[0].as<T>() + outer * length_ * inner_ + row % inner_;
    std::iota(order.begin(), order.end(), 0);
    const auto before = [&](std::int64_t a, std::int64_t b) {
      const auto left = comparable(in[a * inner_]);
      const auto right = comparable(in[b * inner_]);
      if (precedes(left, right, largest_)) return true;
      return !precedes(right, left, largest_) && a < b;
    };
    std::partial_sort(order.begin(), order.begin() + k_, order.end(), before);
    const std::int64_t to = outer * k_ * inner_ + row % inner_;
    for (std::int64_t k = 0; k < k_; ++k) {
      if (args.outputs[0].present()) args.outputs[0].as<T>()[to + k * inner_] = in[order[k] * inner_];
      if (has_indices(args)) args.outputs[1].as<std::int64_t>()[to + k * inner_] = order[k];
    }
  }

  static bool has_indices(const KernelArgs& args) {
    return args.outputs.size() > 1 && args.outputs[1].present();
  }

  bool largest_;
  std::int64_t k_;
  std::int64_t length_ = 0;
  std::int64_t inner_ = 1;
  std::int64_t rows_ = 0;
};

KernelPtr bind_top_k(const OpContext& context) { return std::make_unique<TopKKernel>(context); }

}  // namespace

void register_top_k(OpRegistry& registry) {
  registry.add({.type = "TopK", .infer = infer_top_k, .bind = bind_top_k, .promotion = Promotion::none});
}

}  // namespace nq
