#include <span>
#include <string>
#include <vector>

#include "kernels/quantized_linear.hpp"
#include "ops/check.hpp"

// QuantizedMatMul of the internal domain "nq": what QuantizeLinear, DequantizeLinear, a weight's
// DequantizeLinear, MatMul, bias, activation and residual mean together, in integer arithmetic. A
// graph pass binds it to QDQ patterns; it never reaches a file.
//
// Inputs: x float [..., depth]; w int8, int4 or uint8 [depth, cols] ([cols, depth] with trans_b), its
// zero point in w_zero; w_scale float, one or one per column; bias float [cols], optional;
// residual float, as the output, optional. Weights and scales are constants.
// Attributes: x_scale, x_zero, qmin, qmax (the activation's grid, within int8 or uint8; narrower
// below 8 bits), w_zero (0 for signed codes, 128 for uint8), trans_b, activation.

namespace nq {
namespace {

enum QuantizedInput { kX, kWeight, kWeightScale, kBias, kResidual };

struct QuantizedShape {
  std::int64_t rows = 1, depth = 1, cols = 1;
  bool trans_b = false;
};

QuantizedShape quantized_shape(const OpContext& context) {
  const Shape& x = context.input_shape(kX);
  const Shape& w = context.input_shape(kWeight);
  NQ_CHECK(x.rank() >= 1 && w.rank() == 2, input, "QuantizedMatMul of {} and {}", to_string(x), to_string(w));
  QuantizedShape s;
  s.trans_b = attr_int(context.node(), "trans_b", 0) != 0;
  s.depth = x.back();
  s.cols = w[s.trans_b ? 0 : 1];
  for (int axis = 0; axis + 1 < x.rank(); ++axis) s.rows *= x[axis];
  NQ_CHECK(s.depth == w[s.trans_b ? 1 : 0], input, "QuantizedMatMul of {} and {}: inner sizes differ",
           to_string(x), to_string(w));
  return s;
}

kernels::ActivationGrid grid_of(const OpContext& context) {
  const Node& node = context.node();
  const std::int64_t qmin = attr_int(node, "qmin", 0);
  const std::int64_t qmax = attr_int(node, "qmax", 255);
  const std::int64_t zero = attr_int(node, "x_zero", 0);
  const bool fits = qmin <= qmax && (qmin >= 0 ? qmax <= 255 : qmin >= -128 && qmax <= 127);
  NQ_CHECK(fits && zero >= -128 && zero <= 255, input, "QuantizedMatMul grid {}..{} with zero point {}", qmin,
           qmax, zero);
  const float scale = attr_float(node, "x_scale", 0.0F);
  NQ_CHECK(scale > 0.0F, input, "QuantizedMatMul needs a positive x_scale");
  return {scale, static_cast<std::int32_t>(zero), static_cast<std::int32_t>(qmin),
          static_cast<std::int32_t>(qmax)};
}

kernels::Activation activation_of(const OpContext& context) {
  const std::string name = attr_string(context.node(), "activation", "none");
  if (name == "none") return kernels::Activation::none;
  if (name == "gelu_erf") return kernels::Activation::gelu_erf;
  if (name == "gelu_tanh") return kernels::Activation::gelu_tanh;
  NQ_CHECK(name == "relu", input, "QuantizedMatMul activation is '{}'", name);
  return kernels::Activation::relu;
}

/// The weight as int8 with zero point 0 (in memory an int4 code takes a byte). Throws Error(unsupported) on any other zero point.
std::vector<std::int8_t> symmetric_weight(const OpContext& context) {
  const Tensor& w = context.require_constant(kWeight);
  const bool is_unsigned = w.dtype() == DType::u8;
  const std::int64_t zero = attr_int(context.node(), "w_zero", is_unsigned ? 128 : 0);
  NQ_CHECK(zero == (is_unsigned ? 128 : 0), unsupported, "QuantizedMatMul with weight zero point {}", zero);
  if (!is_unsigned) {
    const std::span<const std::int8_t> codes(w.view().as<std::int8_t>(), static_cast<std::size_t>(w.elements()));
    return {codes.begin(), codes.end()};
  }
  std::vector<std::int8_t> values;
  values.reserve(static_cast<std::size_t>(w.elements()));
  for (const std::uint8_t code : w.span<std::uint8_t>()) values.push_back(static_cast<std::int8_t>(code - 128));
  return values;
}

class QuantizedMatMul final : public Kernel {
 public:
  QuantizedMatMul(const QuantizedShape& shape, kernels::QuantizedLinear layer, kernels::Activation activation)
      : shape_(shape), layer_(std::move(layer)), activation_(activation) {}

  void run(const KernelArgs& args) const override {
    kernels::QuantizedEpilogue epilogue;
    epilogue.activation = activation_;
    if (args.inputs.size() > kBias) epilogue.bias = args.inputs[kBias].as<float>();
    if (args.inputs.size() > kResidual) epilogue.residual = args.inputs[kResidual].as<float>();
    layer_.run(args.inputs[kX].as<float>(), shape_.rows, args.outputs[0].as<float>(), epilogue);
  }

 private:
  QuantizedShape shape_;
  kernels::QuantizedLinear layer_;
  kernels::Activation activation_;
};

void infer_quantized_matmul(OpContext& context) {
  check_arity(context, {3, 5});
  check_dtype(context, kX, {DType::f32});
  check_dtype(context, kWeight, {DType::i8, DType::i4, DType::u8});
  check_dtype(context, kWeightScale, {DType::f32});
  const QuantizedShape s = quantized_shape(context);
  (void)grid_of(context);
  (void)activation_of(context);
  const std::int64_t scales = context.input_shape(kWeightScale).elements();
  NQ_CHECK(scales == 1 || scales == s.cols, input, "QuantizedMatMul has {} weight scales for {} columns",
           scales, s.cols);
  Shape out = context.input_shape(kX);
  out[out.rank() - 1] = s.cols;
  const std::int64_t wanted[] = {s.cols, out.elements()};
  for (const int i : {kBias, kResidual}) {
    if (!context.has_input(i)) continue;
    check_dtype(context, i, {DType::f32});
    NQ_CHECK(context.input_shape(i).elements() == wanted[i - kBias], input,
             "QuantizedMatMul input {} has shape {}", i, to_string(context.input_shape(i)));
  }
  context.set_output(0, {DType::f32, std::move(out)});
}

KernelPtr bind_quantized_matmul(const OpContext& context) {
  const QuantizedShape s = quantized_shape(context);
  const std::vector<std::int8_t> values = symmetric_weight(context);
  kernels::IntegerWeight weight;
  weight.values = values.data();
  weight.depth = s.depth;
  weight.cols = s.cols;
  weight.row_stride = s.trans_b ? 1 : s.cols;
  weight.col_stride = s.trans_b ? s.depth : 1;
  weight.scales = context.require_constant(kWeightScale).span<float>();
  return std::make_unique<QuantizedMatMul>(s, kernels::QuantizedLinear(weight, grid_of(context)),
                                           activation_of(context));
}

}  // namespace

void register_quantized_matmul(OpRegistry& registry) {
  registry.add(
      {"QuantizedMatMul", 1, INT_MAX, infer_quantized_matmul, bind_quantized_matmul, Promotion::none, "nq"});
}

}  // namespace nq
