#include "ops/elementwise.hpp"

// Equal, Less, LessOrEqual, Greater, GreaterOrEqual. Comparing promoted float16 is exact.

namespace nq {
namespace {

// The functions return the bytes of a bool tensor.
struct EqualFn {
  template <typename T>
  std::uint8_t operator()(T a, T b) const {
    return a == b;
  }
};
struct LessFn {
  template <typename T>
  std::uint8_t operator()(T a, T b) const {
    return a < b;
  }
};
struct LessOrEqualFn {
  template <typename T>
  std::uint8_t operator()(T a, T b) const {
    return a <= b;
  }
};
struct GreaterFn {
  template <typename T>
  std::uint8_t operator()(T a, T b) const {
    return a > b;
  }
};
struct GreaterOrEqualFn {
  template <typename T>
  std::uint8_t operator()(T a, T b) const {
    return a >= b;
  }
};

/// Any byte other than 0 is true.
struct EqualBoolFn {
  std::uint8_t operator()(std::uint8_t a, std::uint8_t b) const { return (a != 0) == (b != 0); }
};

void infer_compare(OpContext& context) {
  check_arity(context, {2, 2});
  check_same_dtype(context, 0, 1);
  const DType dtype = context.input_type(0).dtype;
  const bool bool_equal = dtype == DType::boolean && context.node().op_type == "Equal";
  if (!bool_equal && !is_numeric(dtype)) fail_dtype(context, 0);
  context.set_output(0, {DType::boolean, binary_shapes(context).out});
}

template <typename Fn>
KernelPtr bind_compare(const OpContext& context) {
  return visit_numeric(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    using T = typename decltype(tag)::type;
    return make_binary<T, std::uint8_t, Fn>(context);
  });
}

KernelPtr bind_equal(const OpContext& context) {
  if (context.input_type(0).dtype == DType::boolean) {
    return make_binary<std::uint8_t, std::uint8_t, EqualBoolFn>(context);
  }
  return bind_compare<EqualFn>(context);
}

}  // namespace

void register_compare(OpRegistry& registry) {
  registry.add({"Equal", 1, INT_MAX, infer_compare, bind_equal});
  registry.add({"Less", 1, INT_MAX, infer_compare, bind_compare<LessFn>});
  registry.add({"LessOrEqual", 12, INT_MAX, infer_compare, bind_compare<LessOrEqualFn>});
  registry.add({"Greater", 1, INT_MAX, infer_compare, bind_compare<GreaterFn>});
  registry.add({"GreaterOrEqual", 12, INT_MAX, infer_compare, bind_compare<GreaterOrEqualFn>});
}

}  // namespace nq
