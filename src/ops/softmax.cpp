#include <cmath>
#include <functional>
#include <vector>

#include "core/parallel.hpp"
#include "kernels/rows.hpp"
#include "kernels/scratch.hpp"
#include "ops/check.hpp"

// Softmax and LogSoftmax (opsets 1, 11, 13). Below opset 13 the input is read as a matrix
// [product of axes before `axis`, product of the rest]; from 13 on one axis is normalized.

namespace nq {
namespace {

/// The normalized axis sits between `outer` and `inner` others.
struct AxisSpan {
  std::int64_t outer = 1, size = 1, inner = 1;
};

AxisSpan softmax_span(const OpContext& context) {
  const Shape& shape = context.input_shape(0);
  const bool coerces = context.opset() < 13;
  // A 2-D reading may put the cut after the last axis.
  const std::int64_t given = attr_int(context.node(), "axis", coerces ? 1 : -1);
  if (shape.rank() == 0) return {};
  const int axis = coerces && given == shape.rank() ? shape.rank() : normalize_axis(given, shape.rank());
  AxisSpan span;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i < axis) span.outer *= shape[i];
    if (i == axis || (coerces && i > axis)) span.size *= shape[i];
    if (!coerces && i > axis) span.inner *= shape[i];
  }
  return span;
}

/// Largest value, then the sum of exponentials, of one strided line.
template <typename T>
void softmax_line(const T* x, T* y, std::int64_t size, std::int64_t stride, bool logarithm) {
  T largest = x[0];
  for (std::int64_t i = 1; i < size; ++i) largest = std::max(largest, x[i * stride]);
  double sum = 0.0;
  for (std::int64_t i = 0; i < size; ++i) sum += std::exp(static_cast<double>(x[i * stride] - largest));
  const double log_sum = std::log(sum);
  for (std::int64_t i = 0; i < size; ++i) {
    const double shifted = static_cast<double>(x[i * stride] - largest);
    y[i * stride] = static_cast<T>(logarithm ? shifted - log_sum : std::exp(shifted) / sum);
  }
}

class SoftmaxKernel final : public Kernel {
 public:
  SoftmaxKernel(AxisSpan span, bool logarithm, DType dtype)
      : span_(span), logarithm_(logarithm), dtype_(dtype) {}

  void run(const KernelArgs& args) const override {
    if (span_.outer * span_.size * span_.inner == 0) return;
    if (dtype_ == DType::f64) {
      run_lines(args.inputs[0].as<double>(), args.outputs[0].as<double>());
    } else if (span_.inner != 1) {
      run_columns(args.inputs[0].as<float>(), args.outputs[0].as<float>());
    } else if (logarithm_) {
      kernels::log_softmax_rows(args.inputs[0].as<float>(), args.outputs[0].as<float>(), span_.outer,
                                span_.size);
    } else {
      kernels::softmax_rows(args.inputs[0].as<float>(), args.outputs[0].as<float>(), span_.outer, span_.size);
    }
  }
  int in_place_input() const override { return 0; }

 private:
  void run_lines(const double* x, double* y) const {
    for (std::int64_t outer = 0; outer < span_.outer; ++outer) {
      for (std::int64_t inner = 0; inner < span_.inner; ++inner) {
        const std::int64_t at = outer * span_.size * span_.inner + inner;
        softmax_line(x + at, y + at, span_.size, span_.inner, logarithm_);
      }
    }
  }

  /// Gathers each strided line into a row, so that it is computed like any other row.
  void run_columns(const float* x, float* y) const {
    const auto body = [&](std::int64_t begin, std::int64_t end) {
      float* row = kernels::thread_scratch(kernels::ScratchUse::rows, static_cast<std::size_t>(span_.size));
      for (std::int64_t line = begin; line < end; ++line) {
        const std::int64_t at = line / span_.inner * span_.size * span_.inner + line % span_.inner;
        for (std::int64_t i = 0; i < span_.size; ++i) row[i] = x[at + i * span_.inner];
        if (logarithm_) {
          kernels::log_softmax_rows(row, row, 1, span_.size);
        } else {
          kernels::softmax_rows(row, row, 1, span_.size);
        }
        for (std::int64_t i = 0; i < span_.size; ++i) y[at + i * span_.inner] = row[i];
      }
    };
    parallel_for(0, span_.outer * span_.inner, 16, std::cref(body));
  }

  AxisSpan span_;
  bool logarithm_;
  DType dtype_;
};

void infer_softmax(OpContext& context) {
  check_arity(context, {1, 1});
  check_float(context, 0);
  (void)softmax_span(context);
  context.set_output(0, context.input_type(0));
}

template <bool Logarithm>
KernelPtr bind_softmax(const OpContext& context) {
  return std::make_unique<SoftmaxKernel>(softmax_span(context), Logarithm, context.input_type(0).dtype);
}

}  // namespace

void register_softmax(OpRegistry& registry) {
  registry.add({"Softmax", 1, INT_MAX, infer_softmax, bind_softmax<false>});
  registry.add({"LogSoftmax", 1, INT_MAX, infer_softmax, bind_softmax<true>});
}

}  // namespace nq
