#include <string>

#include "kernels/gemm.hpp"
#include "ops/check.hpp"

// FusedMatMul of the internal domain "nq": activation(A * B + bias) + residual, with a constant B
// that is packed once. A graph pass binds it to MatMul and Gemm patterns; it never reaches a file.

namespace nq {
namespace {

enum FusedInput { kA, kB, kBias, kResidual };

/// A [..., depth], B [depth, cols] or, with trans_b, [cols, depth].
struct FusedShape {
  std::int64_t rows = 1, depth = 1, cols = 1;
  bool trans_b = false;
};

FusedShape fused_shape(const OpContext& context) {
  const Shape& a = context.input_shape(kA);
  const Shape& b = context.input_shape(kB);
  NQ_CHECK(a.rank() >= 1 && b.rank() == 2, input, "FusedMatMul of {} and {}", to_string(a), to_string(b));
  FusedShape s;
  s.trans_b = attr_int(context.node(), "trans_b", 0) != 0;
  s.depth = a.back();
  s.cols = b[s.trans_b ? 0 : 1];
  for (int axis = 0; axis + 1 < a.rank(); ++axis) s.rows *= a[axis];
  NQ_CHECK(s.depth == b[s.trans_b ? 1 : 0], input, "FusedMatMul of {} and {}: inner sizes differ",
           to_string(a), to_string(b));
  return s;
}

kernels::Activation activation_of(const OpContext& context) {
  const std::string name = attr_string(context.node(), "activation", "none");
  if (name == "none") return kernels::Activation::none;
  if (name == "gelu_erf") return kernels::Activation::gelu_erf;
  if (name == "gelu_tanh") return kernels::Activation::gelu_tanh;
  NQ_CHECK(name == "relu", input, "FusedMatMul activation is '{}'", name);
  return kernels::Activation::relu;
}

class FusedMatMul final : public Kernel {
 public:
  FusedMatMul(const FusedShape& shape, const Tensor& b, kernels::Activation activation)
      : shape_(shape), activation_(activation) {
    const float* values = b.view().as<float>();
    const auto matrix = shape.trans_b
                            ? kernels::StridedMatrix::dense(values, shape.cols, shape.depth).transposed()
                            : kernels::StridedMatrix::dense(values, shape.depth, shape.cols);
    packed_ = kernels::PackedMatrix(matrix);
  }

  void run(const KernelArgs& args) const override {
    kernels::Epilogue epilogue;
    epilogue.activation = activation_;
    if (args.inputs.size() > kBias) epilogue.bias = args.inputs[kBias].as<float>();
    if (args.inputs.size() > kResidual) epilogue.residual = args.inputs[kResidual].as<float>();
    epilogue.residual_stride = shape_.cols;
    kernels::gemm(kernels::StridedMatrix::dense(args.inputs[kA].as<float>(), shape_.rows, shape_.depth),
                  packed_, args.outputs[0].as<float>(), shape_.cols, epilogue);
  }

 private:
  FusedShape shape_;
  kernels::Activation activation_;
  kernels::PackedMatrix packed_;
};

void infer_fused_matmul(OpContext& context) {
  check_arity(context, {2, 4});
  for (int i = 0; i < context.num_inputs(); ++i) {
    if (context.has_input(i)) check_dtype(context, i, {DType::f32});
  }
  const FusedShape s = fused_shape(context);
  (void)activation_of(context);
  Shape out = context.input_shape(kA);
  out[out.rank() - 1] = s.cols;
  if (context.has_input(kBias)) {
    NQ_CHECK(context.input_shape(kBias).elements() == s.cols, input, "FusedMatMul bias has shape {}",
             to_string(context.input_shape(kBias)));
  }
  if (context.has_input(kResidual)) {
    NQ_CHECK(context.input_shape(kResidual).elements() == out.elements(), input,
             "FusedMatMul residual has shape {} for an output of {}",
             to_string(context.input_shape(kResidual)), to_string(out));
  }
  context.set_output(0, {DType::f32, std::move(out)});
}

KernelPtr bind_fused_matmul(const OpContext& context) {
  return std::make_unique<FusedMatMul>(fused_shape(context), context.require_constant(kB),
                                       activation_of(context));
}

}  // namespace

void register_fused_matmul(OpRegistry& registry) {
  registry.add(
      {"FusedMatMul", 1, INT_MAX, infer_fused_matmul, bind_fused_matmul, Promotion::compute_in_f32, "nq"});
}

}  // namespace nq
