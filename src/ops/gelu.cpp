#include <cmath>
#include <numbers>
#include <string>

#include "kernels/rows.hpp"
#include "ops/check.hpp"

// Gelu (opset 20) and Erf (opsets 9, 13).

namespace nq {
namespace {

using ArrayFunction = void (*)(const float*, float*, std::int64_t);
using ScalarFunction = double (*)(double);

double erf_of(double x) { return std::erf(x); }
double gelu_erf_of(double x) { return 0.5 * x * std::erfc(-x * (std::numbers::sqrt2 / 2.0)); }
double gelu_tanh_of(double x) {
  const double u = std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x);
  return 0.5 * x * (1.0 + std::tanh(u));
}

/// One function over every element: vectorized for float, one by one for double.
class ArrayKernel final : public Kernel {
 public:
  ArrayKernel(ArrayFunction array, ScalarFunction scalar, DType dtype)
      : array_(array), scalar_(scalar), dtype_(dtype) {}

  void run(const KernelArgs& args) const override {
    const std::int64_t count = args.inputs[0].elements();
    if (dtype_ == DType::f32) {
      array_(args.inputs[0].as<float>(), args.outputs[0].as<float>(), count);
      return;
    }
    const double* x = args.inputs[0].as<double>();
    double* y = args.outputs[0].as<double>();
    for (std::int64_t i = 0; i < count; ++i) y[i] = scalar_(x[i]);
  }
  int in_place_input() const override { return 0; }

 private:
  ArrayFunction array_;
  ScalarFunction scalar_;
  DType dtype_;
};

bool uses_tanh(const OpContext& context) {
  const std::string form = attr_string(context.node(), "approximate", "none");
  NQ_CHECK(form == "none" || form == "tanh", input, "Gelu attribute approximate is '{}', not none or tanh",
           form);
  return form == "tanh";
}

void infer_same(OpContext& context) {
  check_arity(context, {1, 1});
  check_float(context, 0);
  context.set_output(0, context.input_type(0));
}

void infer_gelu(OpContext& context) {
  (void)uses_tanh(context);
  infer_same(context);
}

KernelPtr bind_gelu(const OpContext& context) {
  const DType dtype = context.input_type(0).dtype;
  if (uses_tanh(context)) return std::make_unique<ArrayKernel>(kernels::gelu_tanh_array, gelu_tanh_of, dtype);
  return std::make_unique<ArrayKernel>(kernels::gelu_erf_array, gelu_erf_of, dtype);
}

KernelPtr bind_erf(const OpContext& context) {
  return std::make_unique<ArrayKernel>(kernels::erf_array, erf_of, context.input_type(0).dtype);
}

}  // namespace

void register_gelu(OpRegistry& registry) {
  registry.add({"Gelu", 20, INT_MAX, infer_gelu, bind_gelu});
  registry.add({"Erf", 9, INT_MAX, infer_same, bind_erf});
}

}  // namespace nq
