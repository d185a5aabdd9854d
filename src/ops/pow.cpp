#include <cmath>

#include "ops/convert.hpp"
#include "ops/elementwise.hpp"

// Pow: base and exponent may differ in type from opset 12 on; the result has the base's type.

namespace nq {
namespace {

/// base^exponent modulo 2^bits by repeated squaring.
template <typename T>
T wrapping_power(T base, std::uint64_t exponent) {
  auto square = static_cast<WrapType<T>>(base);
  WrapType<T> result = 1;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1U) != 0) result *= square;
    square *= square;
  }
  return static_cast<T>(result);
}

/// 1 / base^-exponent truncated toward zero.
template <typename T, typename E>
T reciprocal_power(T base, E exponent) {
  NQ_CHECK(base != 0, input, "Pow of integer zero to the negative exponent {}", exponent);
  if (base == 1) return T{1};
  if (std::is_signed_v<T> && base == static_cast<T>(-1)) return (exponent & 1) != 0 ? base : T{1};
  return T{0};
}

template <typename T, typename E>
T power(T base, E exponent) {
  if constexpr (std::is_floating_point_v<T>) {
    if constexpr (sizeof(E) > sizeof(std::int16_t) && !std::is_same_v<T, E>) {
      return static_cast<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    } else {
      return std::pow(base, static_cast<T>(exponent));
    }
  } else if constexpr (std::is_floating_point_v<E>) {
    return convert_element<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  } else {
    if (std::is_signed_v<E> && exponent < 0) return reciprocal_power(base, exponent);
    return wrapping_power(base, static_cast<std::uint64_t>(exponent));
  }
}

template <typename T, typename E>
class PowKernel final : public Kernel {
 public:
  PowKernel(Broadcast<2> walk, bool in_place) : walk_(std::move(walk)), in_place_(in_place) {}

  void run(const KernelArgs& args) const override {
    const T* base = args.inputs[0].as<T>();
    const E* exponent = args.inputs[1].as<E>();
    T* out = args.outputs[0].as<T>();
    const auto [base_step, exponent_step] = walk_.axes.back().stride;
    parallel_runs(walk_, [&, base_step = base_step, exponent_step = exponent_step](
                             std::int64_t position, const auto& offsets, std::int64_t length) {
      const T* x = base + offsets[0];
      const E* y = exponent + offsets[1];
      if (exponent_step == 0 && base_step != 0 && run_small_power(x, *y, out + position, length)) return;
      for (std::int64_t i = 0; i < length; ++i) {
        out[position + i] = power<T, E>(x[i * base_step], y[i * exponent_step]);
      }
    });
  }
  int in_place_input() const override { return in_place_ ? 0 : -1; }

 private:
  /// Squares and cubes, the exponents of LayerNorm and tanh-GELU, by multiplication.
  static bool run_small_power(const T* x, E exponent, T* out, std::int64_t length) {
    if constexpr (std::is_floating_point_v<T>) {
      if (exponent == E{2}) {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < length; ++i) out[i] = x[i] * x[i];
        return true;
      }
      if (exponent == E{3}) {
#pragma GCC ivdep
        for (std::int64_t i = 0; i < length; ++i) out[i] = x[i] * x[i] * x[i];
        return true;
      }
    }
    return false;
  }

  Broadcast<2> walk_;
  bool in_place_;
};

void infer_pow(OpContext& context) {
  check_arity(context, {2, 2});
  check_dtype(context, 0, {DType::f32, DType::f64, DType::i32, DType::i64});
  if (!is_numeric(context.input_type(1).dtype)) fail_dtype(context, 1);
  if (context.opset() < 12) check_same_dtype(context, 0, 1);
  context.set_output(0, {context.input_type(0).dtype, binary_shapes(context).out});
}

template <typename T>
KernelPtr bind_pow_of(const OpContext& context) {
  return visit_numeric(context.input_type(1).dtype, [&](auto tag) -> KernelPtr {
    using E = typename decltype(tag)::type;
    const BinaryShapes shapes = binary_shapes(context);
    auto walk = make_broadcast<2>(shapes.out, {&shapes.a, &shapes.b});
    return std::make_unique<PowKernel<T, E>>(std::move(walk),
                                             context.input_type(0) == context.output_type(0));
  });
}

KernelPtr bind_pow(const OpContext& context) {
  switch (context.input_type(0).dtype) {
    case DType::f32: return bind_pow_of<float>(context);
    case DType::f64: return bind_pow_of<double>(context);
    case DType::i32: return bind_pow_of<std::int32_t>(context);
    default: return bind_pow_of<std::int64_t>(context);
  }
}

}  // namespace

void register_pow(OpRegistry& registry) { registry.add({"Pow", 1, INT_MAX, infer_pow, bind_pow}); }

}  // namespace nq
