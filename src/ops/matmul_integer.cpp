#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "core/parallel.hpp"
#include "kernels/conv.hpp"
#include "kernels/scratch.hpp"
#include "ops/check.hpp"
#include "ops/conv_shape.hpp"
#include "ops/matmul_shape.hpp"

// MatMulInteger (opset 10), QLinearMatMul (10, 21) and QLinearConv (10). Sums are exact in int32;
// a sum is rescaled in float, rounded to even and saturated.

namespace nq {
namespace {

/// Calls visitor(TypeTag<A>, TypeTag<B>) with A and B each int8_t or uint8_t.
template <typename Visitor>
KernelPtr visit_byte_pair(DType a, DType b, Visitor&& visitor) {
  const auto with_a = [&](auto a_tag) -> KernelPtr {
    if (b == DType::i8) return visitor(a_tag, TypeTag<std::int8_t>{});
    return visitor(a_tag, TypeTag<std::uint8_t>{});
  };
  return a == DType::i8 ? with_a(TypeTag<std::int8_t>{}) : with_a(TypeTag<std::uint8_t>{});
}

/// Scale or zero point given once, per row (or column), or per row (or column) of each matrix.
struct LineParameter {
  std::int64_t count = 1, lines = 1;

  std::int64_t at(std::int64_t matrix, std::int64_t line) const {
    if (count == 1) return 0;
    return count == lines ? line : matrix * lines + line;
  }
};

void check_line_parameter(const OpContext& context, int i, std::int64_t lines, std::int64_t matrices) {
  if (!context.has_input(i)) return;
  const std::int64_t count = context.input_shape(i).elements();
  NQ_CHECK(count == 1 || count == lines || count == lines * matrices, input,
           "{} input {} has {} values for {} lines", context.node().op_type, i, count, lines);
}

/// Where the operands of an integer product lie among the inputs, -1 when the form has none.
struct ProductInputs {
  int a = 0, b = 1, a_zero = 2, b_zero = 3;
  int a_scale = -1, b_scale = -1, y_scale = -1, y_zero = -1;
};
constexpr ProductInputs kPlainInputs{};
constexpr ProductInputs kScaledInputs{0, 3, 2, 5, 1, 4, 6, 7};

/// Rounds to even and saturates to T.
template <typename T>
T requantize(std::int32_t sum, float scale, std::int32_t zero_point) {
  const float value = std::nearbyint(static_cast<float>(sum) * scale) + static_cast<float>(zero_point);
  return static_cast<T>(std::clamp(value, static_cast<float>(std::numeric_limits<T>::min()),
                                   static_cast<float>(std::numeric_limits<T>::max())));
}

std::int32_t read_byte(const TensorView& view, std::int64_t i) {
  return view.dtype() == DType::i8 ? view.as<std::int8_t>()[i] : view.as<std::uint8_t>()[i];
}

template <typename A, typename B>
class IntegerProduct final : public Kernel {
 public:
  IntegerProduct(const MatMulShape& shape, MatMulPlaces places, const ProductInputs& inputs)
      : shape_(shape), places_(std::move(places)), inputs_(inputs) {}

  void run(const KernelArgs& args) const override {
    const auto body = [&](std::int64_t begin, std::int64_t end) {
      auto* sums = reinterpret_cast<std::int32_t*>(
          kernels::thread_scratch(kernels::ScratchUse::rows, static_cast<std::size_t>(shape_.cols)));
      for (std::int64_t line = begin; line < end; ++line) {
        multiply_row(args, line, sums);
        write_row(args, line, sums);
      }
    };
    parallel_for(0, shape_.products * shape_.rows, 8, std::cref(body));
  }

 private:
  static const TensorView* view(const KernelArgs& args, int i) {
    const bool present =
        i >= 0 && static_cast<std::size_t>(i) < args.inputs.size() && args.inputs[i].present();
    return present ? &args.inputs[i] : nullptr;
  }

  void multiply_row(const KernelArgs& args, std::int64_t line, std::int32_t* sums) const {
    const std::int64_t product = line / shape_.rows;
    const std::int64_t row = line % shape_.rows;
    const A* a = args.inputs[inputs_.a].as<A>() + (places_.a[product] * shape_.rows + row) * shape_.depth;
    const B* b = args.inputs[inputs_.b].as<B>() + places_.b[product] * shape_.depth * shape_.cols;
    const TensorView* a_zeros = view(args, inputs_.a_zero);
    const TensorView* b_zeros = view(args, inputs_.b_zero);
    std::int32_t a_zero = 0;
    if (a_zeros != nullptr) {
      a_zero =
          read_byte(*a_zeros, LineParameter{a_zeros->elements(), shape_.rows}.at(places_.a[product], row));
    }
    std::fill_n(sums, shape_.cols, 0);
    std::int32_t a_total = 0;
    for (std::int64_t k = 0; k < shape_.depth; ++k) {
      const std::int32_t value = a[k] - a_zero;
      a_total += value;
      for (std::int64_t col = 0; col < shape_.cols; ++col) sums[col] += value * b[k * shape_.cols + col];
    }
    if (b_zeros == nullptr) return;
    const LineParameter zeros{b_zeros->elements(), shape_.cols};
    for (std::int64_t col = 0; col < shape_.cols; ++col) {
      sums[col] -= a_total * read_byte(*b_zeros, zeros.at(places_.b[product], col));
    }
  }

  void write_row(const KernelArgs& args, std::int64_t line, const std::int32_t* sums) const {
    const MutableTensorView& out = args.outputs[0];
    if (out.dtype() == DType::i32) {
      std::copy_n(sums, shape_.cols, out.as<std::int32_t>() + line * shape_.cols);
    } else if (out.dtype() == DType::i8) {
      rescale_row(args, line, sums, out.as<std::int8_t>() + line * shape_.cols);
    } else {
      rescale_row(args, line, sums, out.as<std::uint8_t>() + line * shape_.cols);
    }
  }

  template <typename T>
  void rescale_row(const KernelArgs& args, std::int64_t line, const std::int32_t* sums, T* out) const {
    const std::int64_t product = line / shape_.rows;
    const TensorView& a_scales = args.inputs[inputs_.a_scale];
    const TensorView& b_scales = args.inputs[inputs_.b_scale];
    const LineParameter a_lines{a_scales.elements(), shape_.rows};
    const LineParameter b_lines{b_scales.elements(), shape_.cols};
    const float a_scale = a_scales.as<float>()[a_lines.at(places_.a[product], line % shape_.rows)];
    const float y_scale = args.inputs[inputs_.y_scale].as<float>()[0];
    const std::int32_t y_zero = read_byte(args.inputs[inputs_.y_zero], 0);
    for (std::int64_t col = 0; col < shape_.cols; ++col) {
      const float b_scale = b_scales.as<float>()[b_lines.at(places_.b[product], col)];
      out[col] = requantize<T>(sums[col], a_scale * b_scale / y_scale, y_zero);
    }
  }

  MatMulShape shape_;
  MatMulPlaces places_;
  ProductInputs inputs_;
};

MatMulShape check_product(const OpContext& context, const ProductInputs& inputs) {
  check_dtype(context, inputs.a, {DType::u8, DType::i8});
  check_dtype(context, inputs.b, {DType::u8, DType::i8});
  const MatMulShape shape = matmul_shape(context.input_shape(inputs.a), context.input_shape(inputs.b));
  for (const int i : {inputs.a_zero, inputs.a_scale}) {
    if (i >= 0) check_line_parameter(context, i, shape.rows, shape.a_matrices);
  }
  for (const int i : {inputs.b_zero, inputs.b_scale}) {
    if (i >= 0) check_line_parameter(context, i, shape.cols, shape.b_matrices);
  }
  if (context.has_input(inputs.a_zero)) check_same_dtype(context, inputs.a, inputs.a_zero);
  if (context.has_input(inputs.b_zero)) check_same_dtype(context, inputs.b, inputs.b_zero);
  return shape;
}

KernelPtr bind_product(const OpContext& context, const ProductInputs& inputs) {
  const Shape& a = context.input_shape(inputs.a);
  const Shape& b = context.input_shape(inputs.b);
  return visit_byte_pair(context.input_type(inputs.a).dtype, context.input_type(inputs.b).dtype,
                         [&](auto a_tag, auto b_tag) -> KernelPtr {
                           using A = typename decltype(a_tag)::type;
                           using B = typename decltype(b_tag)::type;
                           return std::make_unique<IntegerProduct<A, B>>(matmul_shape(a, b),
                                                                         matmul_places(a, b), inputs);
                         });
}

void infer_matmul_integer(OpContext& context) {
  check_arity(context, {2, 4});
  context.set_output(0, {DType::i32, check_product(context, kPlainInputs).out});
}

KernelPtr bind_matmul_integer(const OpContext& context) { return bind_product(context, kPlainInputs); }

/// Checks one per-tensor scale and zero point; returns the zero point's type.
DType check_output_grid(const OpContext& context, int scale, int zero) {
  check_dtype(context, scale, {DType::f32});
  check_dtype(context, zero, {DType::u8, DType::i8});
  NQ_CHECK(context.input_shape(scale).elements() == 1 && context.input_shape(zero).elements() == 1, input,
           "{} needs one output scale and zero point", context.node().op_type);
  return context.input_type(zero).dtype;
}

void infer_qlinear_matmul(OpContext& context) {
  check_arity(context, {8, 8});
  check_dtype(context, kScaledInputs.a_scale, {DType::f32});
  check_dtype(context, kScaledInputs.b_scale, {DType::f32});
  const DType out = check_output_grid(context, kScaledInputs.y_scale, kScaledInputs.y_zero);
  context.set_output(0, {out, check_product(context, kScaledInputs).out});
}

KernelPtr bind_qlinear_matmul(const OpContext& context) { return bind_product(context, kScaledInputs); }

/// Inputs of QLinearConv: x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias.
template <typename X, typename W>
class QLinearConv final : public Kernel {
 public:
  explicit QLinearConv(const kernels::ConvShape& shape) : shape_(shape) {}

  void run(const KernelArgs& args) const override {
    auto* zeros = reinterpret_cast<std::int32_t*>(args.scratch.data());
    std::int32_t* sums = zeros + channels();
    const LineParameter zero_lines{args.inputs[5].elements(), channels()};
    for (std::int64_t i = 0; i < channels(); ++i) zeros[i] = args.inputs[5].as<W>()[zero_lines.at(0, i)];
    const std::int32_t* bias = args.inputs.size() > 8 ? args.inputs[8].as<std::int32_t>() : nullptr;
    kernels::conv_direct<X, W, std::int32_t>(shape_, args.inputs[0].as<X>(), args.inputs[3].as<W>(),
                                             args.inputs[2].as<X>()[0], zeros, bias, sums);
    if (args.outputs[0].dtype() == DType::i8) {
      rescale(args, sums, args.outputs[0].as<std::int8_t>());
    } else {
      rescale(args, sums, args.outputs[0].as<std::uint8_t>());
    }
  }
  std::size_t scratch_bytes() const override {
    const std::int64_t sums = shape_.batch * channels() * shape_.window.out_positions();
    return static_cast<std::size_t>(channels() + sums) * sizeof(std::int32_t);
  }

 private:
  std::int64_t channels() const { return shape_.groups * shape_.c_out; }

  template <typename T>
  void rescale(const KernelArgs& args, const std::int32_t* sums, T* out) const {
    const float x_scale = args.inputs[1].as<float>()[0];
    const float y_scale = args.inputs[6].as<float>()[0];
    const std::int32_t y_zero = read_byte(args.inputs[7], 0);
    const LineParameter scale_lines{args.inputs[4].elements(), channels()};
    const std::int64_t positions = shape_.window.out_positions();
    const auto body = [&](std::int64_t index, std::int64_t) {
      const float w_scale = args.inputs[4].as<float>()[scale_lines.at(0, index % channels())];
      const float scale = x_scale * w_scale / y_scale;
      for (std::int64_t i = index * positions; i < (index + 1) * positions; ++i) {
        out[i] = requantize<T>(sums[i], scale, y_zero);
      }
    };
    parallel_for(0, shape_.batch * channels(), 1, std::cref(body));
  }

  kernels::ConvShape shape_;
};

void infer_qlinear_conv(OpContext& context) {
  check_arity(context, {8, 9});
  check_dtype(context, 0, {DType::u8, DType::i8});
  check_dtype(context, 3, {DType::u8, DType::i8});
  check_same_dtype(context, 0, 2);
  check_same_dtype(context, 3, 5);
  check_dtype(context, 1, {DType::f32});
  check_dtype(context, 4, {DType::f32});
  const DType out = check_output_grid(context, 6, 7);
  const kernels::ConvShape shape = conv_shape(context, 3);
  const std::int64_t channels = shape.groups * shape.c_out;
  check_line_parameter(context, 4, channels, 1);
  check_line_parameter(context, 5, channels, 1);
  NQ_CHECK(context.input_shape(1).elements() == 1 && context.input_shape(2).elements() == 1, input,
           "QLinearConv needs one scale and zero point for x");
  if (context.has_input(8)) {
    check_dtype(context, 8, {DType::i32});
    NQ_CHECK(context.input_shape(8) == Shape{channels}, input, "QLinearConv bias has shape {}",
             to_string(context.input_shape(8)));
  }
  context.set_output(0, {out, conv_output_shape(context, shape)});
}

KernelPtr bind_qlinear_conv(const OpContext& context) {
  return visit_byte_pair(context.input_type(0).dtype, context.input_type(3).dtype,
                         [&](auto x_tag, auto w_tag) -> KernelPtr {
                           using X = typename decltype(x_tag)::type;
                           using W = typename decltype(w_tag)::type;
                           return std::make_unique<QLinearConv<X, W>>(conv_shape(context, 3));
                         });
}

}  // namespace

void register_matmul_integer(OpRegistry& registry) {
  registry.add({"MatMulInteger", 10, INT_MAX, infer_matmul_integer, bind_matmul_integer});
  registry.add({"QLinearMatMul", 10, INT_MAX, infer_qlinear_matmul, bind_qlinear_matmul});
  registry.add({"QLinearConv", 10, INT_MAX, infer_qlinear_conv, bind_qlinear_conv});
}

}  // namespace nq
