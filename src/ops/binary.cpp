#include <cmath>

#include "ops/elementwise.hpp"

// Arithmetic of two tensors: Add, Sub, Mul, Div, Mod, Pow. Integers wrap around as in numpy;
// division by an integer zero is an Error(input).

namespace nq {
namespace {

struct AddFn {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return a + b;
    else
      return static_cast<T>(static_cast<WrapType<T>>(a) + static_cast<WrapType<T>>(b));
  }
};

struct SubFn {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return a - b;
    else
      return static_cast<T>(static_cast<WrapType<T>>(a) - static_cast<WrapType<T>>(b));
  }
};

struct MulFn {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>)
      return a * b;
    else
      return static_cast<T>(static_cast<WrapType<T>>(a) * static_cast<WrapType<T>>(b));
  }
};

template <typename T>
void check_divisor(T b) {
  NQ_CHECK(b != 0, input, "integer division by zero");
}

/// True when a / b overflows or would trap although b is not zero.
template <typename T>
bool is_negative_one(T b) {
  return std::is_signed_v<T> && b == static_cast<T>(-1);
}

/// Truncates toward zero (ONNX Div-14, integer inputs).
struct DivFn {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return a / b;
    } else {
      check_divisor(b);
      if (is_negative_one(b)) return SubFn{}(T{0}, a);
      return static_cast<T>(a / b);
    }
  }
};

/// Remainder with the sign of the divisor (ONNX Mod, fmod = 0; floats from opset 28).
struct FloorModFn {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      const T rest = std::fmod(a, b);
      if (rest == T{0}) return std::copysign(T{0}, b);
      return (rest < T{0}) != (b < T{0}) ? rest + b : rest;
    } else {
      check_divisor(b);
      if (is_negative_one(b)) return T{0};
      const T rest = static_cast<T>(a % b);
      const bool opposite = std::is_signed_v<T> && rest != 0 && (rest < 0) != (b < 0);
      return opposite ? static_cast<T>(rest + b) : rest;
    }
  }
};

/// Remainder with the sign of the dividend (ONNX Mod-13, fmod = 1).
struct TruncModFn {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(a, b);
    } else {
      check_divisor(b);
      return is_negative_one(b) ? T{0} : static_cast<T>(a % b);
    }
  }
};

void infer_binary(OpContext& context) {
  check_arity(context, {2, 2});
  check_same_dtype(context, 0, 1);
  const DType dtype = context.input_type(0).dtype;
  if (!is_numeric(dtype)) fail_dtype(context, 0);
  context.set_output(0, {dtype, binary_shapes(context).out});
}

template <typename Fn>
KernelPtr bind_binary(const OpContext& context) {
  return visit_numeric(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    using T = typename decltype(tag)::type;
    return make_binary<T, T, Fn>(context);
  });
}

void infer_mod(OpContext& context) {
  infer_binary(context);
  const bool any_type = context.opset() >= 28 || attr_int(context.node(), "fmod", 0) != 0;
  NQ_CHECK(any_type || is_integer(context.input_type(0).dtype), input, "Mod (opset {}) of {} needs fmod = 1",
           context.opset(), to_string(context.input_type(0).dtype));
}

KernelPtr bind_mod(const OpContext& context) {
  const bool truncate = attr_int(context.node(), "fmod", 0) != 0;
  return truncate ? bind_binary<TruncModFn>(context) : bind_binary<FloorModFn>(context);
}

template <typename Fn>
OpDef binary_op(std::string_view type) {
  return {type, 1, INT_MAX, infer_binary, bind_binary<Fn>};
}

}  // namespace

void register_binary(OpRegistry& registry) {
  registry.add(binary_op<AddFn>("Add"));
  registry.add(binary_op<SubFn>("Sub"));
  registry.add(binary_op<MulFn>("Mul"));
  registry.add(binary_op<DivFn>("Div"));
  registry.add({"Mod", 10, INT_MAX, infer_mod, bind_mod});
}

}  // namespace nq
