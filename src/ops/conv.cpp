#include "kernels/conv.hpp"

#include <cstring>
#include <string>
#include <vector>

#include "ops/check.hpp"
#include "ops/conv_shape.hpp"
#include "ops/window.hpp"

// Conv (opsets 1, 11, 22), ConvTranspose (1, 11, 22) and ConvInteger (10), in one to three spatial
// dimensions with groups.

namespace nq {
namespace {

void check_bias(const OpContext& context, int i, std::int64_t channels) {
  if (!context.has_input(i)) return;
  check_same_dtype(context, 0, i);
  NQ_CHECK(context.input_shape(i) == Shape{channels}, input, "{} bias has shape {} for {} channels",
           context.node().op_type, to_string(context.input_shape(i)), channels);
}

template <typename T>
const T* optional_input(const KernelArgs& args, std::size_t i) {
  return args.inputs.size() > i ? args.inputs[i].as<T>() : nullptr;
}

template <typename T>
class ConvKernel final : public Kernel {
 public:
  explicit ConvKernel(const kernels::ConvShape& shape) : shape_(shape) {}

  void run(const KernelArgs& args) const override {
    const T* x = args.inputs[0].as<T>();
    const T* w = args.inputs[1].as<T>();
    const T* bias = optional_input<T>(args, 2);
    T* y = args.outputs[0].as<T>();
    if constexpr (std::is_same_v<T, float>) {
      kernels::conv(shape_, x, w, bias, y);
    } else {
      kernels::conv_direct<T, T, T>(shape_, x, w, T{0}, nullptr, bias, y);
    }
  }

 private:
  kernels::ConvShape shape_;
};

/// A patch convolution with a constant kernel, packed once.
class PatchConvKernel final : public Kernel {
 public:
  PatchConvKernel(const kernels::ConvShape& shape, const Tensor& w) : conv_(shape, w.view().as<float>()) {}
  void run(const KernelArgs& args) const override {
    conv_.run(args.inputs[0].as<float>(), optional_input<float>(args, 2), args.outputs[0].as<float>());
  }

 private:
  kernels::PatchConv conv_;
};

void infer_conv(OpContext& context) {
  check_arity(context, {2, 3});
  check_float(context, 0);
  check_same_dtype(context, 0, 1);
  const kernels::ConvShape shape = conv_shape(context);
  check_bias(context, 2, shape.groups * shape.c_out);
  context.set_output(0, {context.input_type(0).dtype, conv_output_shape(context, shape)});
}

KernelPtr bind_conv(const OpContext& context) {
  const kernels::ConvShape shape = conv_shape(context);
  if (context.input_type(0).dtype == DType::f64) return std::make_unique<ConvKernel<double>>(shape);
  const Tensor* w = context.constant(1);
  if (w != nullptr && kernels::is_patch_conv(shape)) return std::make_unique<PatchConvKernel>(shape, *w);
  return std::make_unique<ConvKernel<float>>(shape);
}

/// Output size and padding of one axis of a transposed convolution; `axis.out` is its input size.
void place_transposed(kernels::WindowAxis& axis, const std::string& auto_pad, std::int64_t output_padding,
                      std::int64_t wanted) {
  const std::int64_t full =
      axis.stride * (axis.out - 1) + output_padding + (axis.kernel - 1) * axis.dilation + 1;
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (wanted < 0 && same) wanted = axis.out * axis.stride;
  if (wanted < 0) {
    axis.in = full - axis.pad_begin - axis.pad_end;
  } else {
    axis.in = wanted;
    const std::int64_t total = std::max<std::int64_t>(0, full - wanted);
    axis.pad_begin = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    axis.pad_end = total - axis.pad_begin;
    if (auto_pad == "NOTSET" || auto_pad.empty()) {
      axis.pad_begin = total / 2;
      axis.pad_end = total - total / 2;
    }
  }
  NQ_CHECK(axis.in > 0, input, "ConvTranspose has an output axis of {} elements", axis.in);
}

kernels::ConvShape transpose_shape(const OpContext& context) {
  const Node& node = context.node();
  const Shape& x = context.input_shape(0);
  const Shape& w = context.input_shape(1);
  NQ_CHECK(x.rank() >= 3 && x.rank() == w.rank(), input, "ConvTranspose of {} with a kernel of shape {}",
           to_string(x), to_string(w));
  kernels::ConvShape shape;
  shape.batch = x[0];
  shape.groups = attr_int(node, "group", 1);
  NQ_CHECK(shape.groups > 0 && x[1] % shape.groups == 0 && w[0] == x[1], input,
           "ConvTranspose of {} with kernel {} in {} groups", to_string(x), to_string(w), shape.groups);
  shape.c_in = x[1] / shape.groups;
  shape.c_out = w[1];
  const auto sizes = spatial_sizes(context, 0);
  const auto kernel = spatial_sizes(context, 1);
  const std::size_t count = sizes.size();
  const auto strides = spatial_attr(context, "strides", count, 1);
  const auto dilations = spatial_attr(context, "dilations", count, 1);
  const auto output_padding = spatial_attr(context, "output_padding", count, 0);
  const auto wanted = spatial_attr(context, "output_shape", count, -1);
  const std::string auto_pad = attr_string(node, "auto_pad", "NOTSET");
  const bool is_explicit = auto_pad == "NOTSET" || auto_pad.empty();
  const auto pads =
      is_explicit ? spatial_attr(context, "pads", 2 * count, 0) : std::vector<std::int64_t>(2 * count, 0);
  std::vector<kernels::WindowAxis> axes(count);
  for (std::size_t i = 0; i < count; ++i) {
    kernels::WindowAxis& axis = axes[i];
    axis.out = sizes[i];
    axis.kernel = kernel[i];
    axis.stride = strides[i];
    axis.dilation = dilations[i];
    axis.pad_begin = pads[i];
    axis.pad_end = pads[count + i];
    NQ_CHECK(axis.stride > 0 && axis.dilation > 0 && axis.kernel > 0, input,
             "ConvTranspose needs positive kernel, stride and dilation");
    place_transposed(axis, auto_pad, output_padding[i], wanted[i]);
  }
  shape.window = make_window(axes);
  return shape;
}

class ConvTransposeKernel final : public Kernel {
 public:
  explicit ConvTransposeKernel(const kernels::ConvShape& shape) : shape_(shape) {}
  void run(const KernelArgs& args) const override {
    kernels::conv_transpose(shape_, args.inputs[0].as<float>(), args.inputs[1].as<float>(),
                            optional_input<float>(args, 2), args.outputs[0].as<float>(),
                            reinterpret_cast<float*>(args.scratch.data()));
  }
  std::size_t scratch_bytes() const override {
    return kernels::conv_transpose_scratch(shape_) * sizeof(float);
  }

 private:
  kernels::ConvShape shape_;
};

void infer_conv_transpose(OpContext& context) {
  check_arity(context, {2, 3});
  check_dtype(context, 0, {DType::f32});
  check_same_dtype(context, 0, 1);
  const kernels::ConvShape shape = transpose_shape(context);
  check_bias(context, 2, shape.groups * shape.c_out);
  Shape out{shape.batch, shape.groups * shape.c_out};
  const int spatial = context.input_shape(0).rank() - 2;
  for (int i = 3 - spatial; i < 3; ++i) out.push_back(shape.window.axes[static_cast<std::size_t>(i)].in);
  context.set_output(0, {DType::f32, std::move(out)});
}

KernelPtr bind_conv_transpose(const OpContext& context) {
  return std::make_unique<ConvTransposeKernel>(transpose_shape(context));
}

template <typename X, typename W>
class ConvIntegerKernel final : public Kernel {
 public:
  explicit ConvIntegerKernel(const kernels::ConvShape& shape) : shape_(shape) {}

  void run(const KernelArgs& args) const override {
    const X* x_zero = optional_input<X>(args, 2);
    const W* w_zero = optional_input<W>(args, 3);
    auto* zeros = reinterpret_cast<std::int32_t*>(args.scratch.data());
    const std::int64_t channels = shape_.groups * shape_.c_out;
    const bool per_channel = w_zero != nullptr && args.inputs[3].elements() > 1;
    for (std::int64_t i = 0; i < channels; ++i)
      zeros[i] = w_zero == nullptr ? 0 : w_zero[per_channel ? i : 0];
    kernels::conv_direct<X, W, std::int32_t>(shape_, args.inputs[0].as<X>(), args.inputs[1].as<W>(),
                                             x_zero == nullptr ? 0 : *x_zero, zeros, nullptr,
                                             args.outputs[0].as<std::int32_t>());
  }
  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(shape_.groups * shape_.c_out) * sizeof(std::int32_t);
  }

 private:
  kernels::ConvShape shape_;
};

void infer_conv_integer(OpContext& context) {
  check_arity(context, {2, 4});
  for (int i = 0; i < 2; ++i) {
    check_dtype(context, i, {DType::u8, DType::i8});
    if (context.has_input(i + 2)) check_same_dtype(context, i, i + 2);
  }
  const kernels::ConvShape shape = conv_shape(context);
  if (context.has_input(2)) {
    NQ_CHECK(context.input_shape(2).elements() == 1, input, "ConvInteger needs one zero point for x");
  }
  if (context.has_input(3)) {
    const std::int64_t count = context.input_shape(3).elements();
    NQ_CHECK(count == 1 || count == shape.groups * shape.c_out, input,
             "ConvInteger has {} zero points for {} output channels", count, shape.groups * shape.c_out);
  }
  context.set_output(0, {DType::i32, conv_output_shape(context, shape)});
}

KernelPtr bind_conv_integer(const OpContext& context) {
  const kernels::ConvShape shape = conv_shape(context);
  const bool x_signed = context.input_type(0).dtype == DType::i8;
  const bool w_signed = context.input_type(1).dtype == DType::i8;
  if (x_signed && w_signed) return std::make_unique<ConvIntegerKernel<std::int8_t, std::int8_t>>(shape);
  if (x_signed) return std::make_unique<ConvIntegerKernel<std::int8_t, std::uint8_t>>(shape);
  if (w_signed) return std::make_unique<ConvIntegerKernel<std::uint8_t, std::int8_t>>(shape);
  return std::make_unique<ConvIntegerKernel<std::uint8_t, std::uint8_t>>(shape);
}

}  // namespace

void register_conv(OpRegistry& registry) {
  registry.add({"Conv", 1, INT_MAX, infer_conv, bind_conv});
  registry.add({"ConvTranspose", 1, INT_MAX, infer_conv_transpose, bind_conv_transpose});
  registry.add({"ConvInteger", 10, INT_MAX, infer_conv_integer, bind_conv_integer, Promotion::none});
}

}  // namespace nq
