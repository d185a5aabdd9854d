#include "kernels/conv.hpp"
#include "ops/check.hpp"
#include "ops/conv_shape.hpp"

// PatchEmbed of the internal domain "nq": a patch convolution (stride equals kernel, no padding, one
// group) whose output is [batch, positions, channels]. It stands for Conv, Reshape, Transpose as a
// transformer's stem has them; attributes and inputs are those of Conv, with a constant kernel.

namespace nq {
namespace {

class PatchEmbed final : public Kernel {
 public:
  PatchEmbed(const kernels::ConvShape& shape, const Tensor& w) : conv_(shape, w.view().as<float>()) {}

  void run(const KernelArgs& args) const override {
    const float* bias = args.inputs.size() > 2 ? args.inputs[2].as<float>() : nullptr;
    conv_.run_tokens(args.inputs[0].as<float>(), bias, args.outputs[0].as<float>());
  }

 private:
  kernels::PatchConv conv_;
};

void infer_patch_embed(OpContext& context) {
  check_arity(context, {2, 3});
  check_dtype(context, 0, {DType::f32});
  check_dtype(context, 1, {DType::f32});
  const kernels::ConvShape shape = conv_shape(context);
  NQ_CHECK(kernels::is_patch_conv(shape), input, "PatchEmbed needs windows that tile the input");
  if (context.has_input(2)) {
    NQ_CHECK(context.input_shape(2) == Shape{shape.c_out}, input, "PatchEmbed bias has shape {}",
             to_string(context.input_shape(2)));
  }
  context.set_output(0, {DType::f32, Shape{shape.batch, shape.window.out_positions(), shape.c_out}});
}

KernelPtr bind_patch_embed(const OpContext& context) {
  return std::make_unique<PatchEmbed>(conv_shape(context), context.require_constant(1));
}

}  // namespace

void register_patch_embed(OpRegistry& registry) {
  registry.add(
      {"PatchEmbed", 1, INT_MAX, infer_patch_embed, bind_patch_embed, Promotion::compute_in_f32, "nq"});
}

}  // namespace nq
