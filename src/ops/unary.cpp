#include <cmath>

#include "kernels/rows.hpp"
#include "ops/array_math.hpp"
#include "ops/elementwise.hpp"

// Arithmetic and transcendental functions of one tensor, and the float predicates IsInf and IsNaN.

namespace nq {
namespace {

struct AbsFn {
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::fabs(x);
    else if constexpr (std::is_signed_v<T>)
      return x < 0 ? static_cast<T>(WrapType<T>{0} - static_cast<WrapType<T>>(x)) : x;
    else
      return x;
  }
};

struct NegFn {
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return -x;
    else
      return static_cast<T>(WrapType<T>{0} - static_cast<WrapType<T>>(x));
  }
};

/// -1, 0 or 1; NaN stays NaN and a signed zero keeps its value 0.
struct SignFn {
  template <typename T>
  T operator()(T x) const {
    const auto sign = static_cast<T>((T{0} < x) - (x < T{0}));
    if constexpr (std::is_floating_point_v<T>)
      return x == x ? sign : x;
    else
      return sign;
  }
};

struct ReciprocalFn {
  template <typename T>
  T operator()(T x) const {
    return T{1} / x;
  }
};

/// Halves go to the even neighbour (ONNX Round-11), the rounding mode that is never changed.
struct RoundFn {
  template <typename T>
  T operator()(T x) const {
    return std::nearbyint(x);
  }
};

// One function object per function of <cmath>.
#define NQ_MATH_FUNCTION(Name, function) \
  struct Name {                          \
    template <typename T>                \
    T operator()(T x) const {            \
      return std::function(x);           \
    }                                    \
  };
NQ_MATH_FUNCTION(CeilFn, ceil)
NQ_MATH_FUNCTION(FloorFn, floor)
NQ_MATH_FUNCTION(SqrtFn, sqrt)
NQ_MATH_FUNCTION(LogFn, log)
NQ_MATH_FUNCTION(SinFn, sin)
NQ_MATH_FUNCTION(CosFn, cos)
NQ_MATH_FUNCTION(TanFn, tan)
NQ_MATH_FUNCTION(AsinFn, asin)
NQ_MATH_FUNCTION(AcosFn, acos)
NQ_MATH_FUNCTION(AtanFn, atan)
NQ_MATH_FUNCTION(SinhFn, sinh)
NQ_MATH_FUNCTION(CoshFn, cosh)
NQ_MATH_FUNCTION(AsinhFn, asinh)
NQ_MATH_FUNCTION(AcoshFn, acosh)
NQ_MATH_FUNCTION(AtanhFn, atanh)
#undef NQ_MATH_FUNCTION

struct ExpFn {
  template <typename T>
  T operator()(T x) const {
    return std::exp(x);
  }
  static void array(const float* x, float* y, std::int64_t count) { kernels::exp_array(x, y, count); }
};

struct TanhFn {
  template <typename T>
  T operator()(T x) const {
    return std::tanh(x);
  }
  static void array(const float* x, float* y, std::int64_t count) { tanh_array(x, y, count); }
};

struct IsNaNFn {
  template <typename T>
  std::uint8_t operator()(T x) const {
    return std::isnan(x);
  }
};

class IsInfFn {
 public:
  explicit IsInfFn(const OpContext& context)
      : negative_(attr_int(context.node(), "detect_negative", 1) != 0),
        positive_(attr_int(context.node(), "detect_positive", 1) != 0) {}
  template <typename T>
  std::uint8_t operator()(T x) const {
    return std::isinf(x) && (x < 0 ? negative_ : positive_);
  }

 private:
  bool negative_;
  bool positive_;
};

void infer_predicate(OpContext& context) {
  check_arity(context, {1, 1});
  check_float(context, 0);
  context.set_output(0, {DType::boolean, context.input_shape(0)});
}

template <typename Fn>
KernelPtr bind_predicate(const OpContext& context) {
  return visit_float(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    using T = typename decltype(tag)::type;
    return std::make_unique<UnaryKernel<T, std::uint8_t, Fn>>(make_function<Fn>(context));
  });
}

}  // namespace

void register_unary(OpRegistry& registry) {
  registry.add(unary_op<AbsFn, ElementClass::numbers>("Abs"));
  registry.add(unary_op<NegFn, ElementClass::signed_numbers>("Neg"));
  registry.add(unary_op<SignFn, ElementClass::numbers>("Sign", 9));
  registry.add(unary_op<ReciprocalFn>("Reciprocal"));
  registry.add(unary_op<RoundFn>("Round", 11));
  registry.add(unary_op<CeilFn>("Ceil"));
  registry.add(unary_op<FloorFn>("Floor"));
  registry.add(unary_op<SqrtFn>("Sqrt"));
  registry.add(unary_op<ExpFn>("Exp"));
  registry.add(unary_op<LogFn>("Log"));
  registry.add(unary_op<SinFn>("Sin", 7));
  registry.add(unary_op<CosFn>("Cos", 7));
  registry.add(unary_op<TanFn>("Tan", 7));
  registry.add(unary_op<AsinFn>("Asin", 7));
  registry.add(unary_op<AcosFn>("Acos", 7));
  registry.add(unary_op<AtanFn>("Atan", 7));
  registry.add(unary_op<SinhFn>("Sinh", 9));
  registry.add(unary_op<CoshFn>("Cosh", 9));
  registry.add(unary_op<TanhFn>("Tanh"));
  registry.add(unary_op<AsinhFn>("Asinh", 9));
  registry.add(unary_op<AcoshFn>("Acosh", 9));
  registry.add(unary_op<AtanhFn>("Atanh", 9));
  registry.add({"IsNaN", 9, INT_MAX, infer_predicate, bind_predicate<IsNaNFn>});
  registry.add({"IsInf", 10, INT_MAX, infer_predicate, bind_predicate<IsInfFn>});
}

}  // namespace nq
