#include <algorithm>
#include <cmath>

#include "ops/array_math.hpp"
#include "ops/elementwise.hpp"

// Activation functions. Gelu and Softmax have files of their own.

namespace nq {
namespace {

template <typename T>
T sigmoid(T x) {
  return T{1} / (T{1} + std::exp(-x));
}

/// log(1 + exp(x)) without overflow for large x.
template <typename T>
T softplus(T x) {
  return x > T{0} ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

/// A float attribute converted to the element type at each use.
class FloatAttribute {
 public:
  FloatAttribute(const OpContext& context, std::string_view name, float fallback)
      : value_(attr_float(context.node(), name, fallback)) {}
  template <typename T>
  T as() const {
    return static_cast<T>(value_);
  }

 private:
  float value_;
};

struct ReluFn {
  template <typename T>
  T operator()(T x) const {
    return x < T{0} ? T{0} : x;
  }
};

struct SigmoidFn {
  template <typename T>
  T operator()(T x) const {
    return sigmoid(x);
  }
  static void array(const float* x, float* y, std::int64_t count) { sigmoid_array(x, y, count); }
};

struct SoftplusFn {
  template <typename T>
  T operator()(T x) const {
    return softplus(x);
  }
};

struct SoftsignFn {
  template <typename T>
  T operator()(T x) const {
    return x / (T{1} + std::fabs(x));
  }
};

struct MishFn {
  template <typename T>
  T operator()(T x) const {
    return x * std::tanh(softplus(x));
  }
};

/// max(0, min(1, slope * x + offset)).
template <typename T>
T hard_sigmoid(T x, T slope, T offset) {
  const T line = slope * x + offset;
  const T low = line < T{0} ? T{0} : line;
  return low > T{1} ? T{1} : low;
}

struct HardSwishFn {
  template <typename T>
  T operator()(T x) const {
    return x * hard_sigmoid(x, T{1} / T{6}, T{0.5});
  }
};

struct HardSigmoidFn {
  explicit HardSigmoidFn(const OpContext& context)
      : alpha(context, "alpha", 0.2F), beta(context, "beta", 0.5F) {}
  template <typename T>
  T operator()(T x) const {
    return hard_sigmoid(x, alpha.as<T>(), beta.as<T>());
  }
  FloatAttribute alpha, beta;
};

struct LeakyReluFn {
  explicit LeakyReluFn(const OpContext& context) : alpha(context, "alpha", 0.01F) {}
  template <typename T>
  T operator()(T x) const {
    return x < T{0} ? alpha.as<T>() * x : x;
  }
  FloatAttribute alpha;
};

struct EluFn {
  explicit EluFn(const OpContext& context) : alpha(context, "alpha", 1.0F) {}
  template <typename T>
  T operator()(T x) const {
    return x < T{0} ? alpha.as<T>() * std::expm1(x) : x;
  }
  FloatAttribute alpha;
};

struct CeluFn {
  explicit CeluFn(const OpContext& context) : alpha(context, "alpha", 1.0F) {}
  template <typename T>
  T operator()(T x) const {
    const T negative = alpha.as<T>() * std::expm1(x / alpha.as<T>());
    return (x < T{0} ? T{0} : x) + (negative > T{0} ? T{0} : negative);
  }
  FloatAttribute alpha;
};

struct SeluFn {
  explicit SeluFn(const OpContext& context)
      : alpha(context, "alpha", 1.67326319217681884765625F),
        gamma(context, "gamma", 1.05070102214813232421875F) {}
  template <typename T>
  T operator()(T x) const {
    return gamma.as<T>() * (x > T{0} ? x : alpha.as<T>() * std::expm1(x));
  }
  FloatAttribute alpha, gamma;
};

struct SwishFn {
  explicit SwishFn(const OpContext& context) : alpha(context, "alpha", 1.0F) {}
  template <typename T>
  T operator()(T x) const {
    return x * sigmoid(alpha.as<T>() * x);
  }
  FloatAttribute alpha;
};

struct ThresholdedReluFn {
  explicit ThresholdedReluFn(const OpContext& context) : alpha(context, "alpha", 1.0F) {}
  template <typename T>
  T operator()(T x) const {
    return x > alpha.as<T>() ? x : T{0};
  }
  FloatAttribute alpha;
};

struct ShrinkFn {
  explicit ShrinkFn(const OpContext& context) : lambda(context, "lambd", 0.5F), bias(context, "bias", 0.0F) {}
  template <typename T>
  T operator()(T x) const {
    if (x < -lambda.as<T>()) return x + bias.as<T>();
    return x > lambda.as<T>() ? x - bias.as<T>() : T{0};
  }
  FloatAttribute lambda, bias;
};

struct PReluFn {
  template <typename T>
  T operator()(T x, T slope) const {
    if constexpr (std::is_floating_point_v<T>)
      return x < T{0} ? x * slope : x;
    else
      return x < T{0} ? static_cast<T>(static_cast<WrapType<T>>(x) * static_cast<WrapType<T>>(slope)) : x;
  }
};

/// Slope shape aligned to the input: before opset 7 a vector belongs to the channel axis 1.
Shape prelu_slope_shape(const OpContext& context) {
  const Shape& x = context.input_shape(0);
  Shape slope = context.input_shape(1);
  if (context.opset() < 7 && slope.rank() == 1 && slope[0] != 1) {
    while (slope.rank() < x.rank() - 1) slope.push_back(1);
  }
  return slope;
}

void infer_prelu(OpContext& context) {
  check_arity(context, {2, 2});
  check_same_dtype(context, 0, 1);
  if (!is_numeric(context.input_type(0).dtype)) fail_dtype(context, 0);
  const Shape slope = prelu_slope_shape(context);
  (void)make_broadcast<1>(context.input_shape(0), {&slope});
  context.set_output(0, context.input_type(0));
}

KernelPtr bind_prelu(const OpContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape slope = prelu_slope_shape(context);
  return visit_numeric(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    using T = typename decltype(tag)::type;
    return std::make_unique<BinaryKernel<T, T, PReluFn>>(PReluFn{}, make_broadcast<2>(x, {&x, &slope}), 0);
  });
}

}  // namespace

void register_activation(OpRegistry& registry) {
  registry.add(unary_op<ReluFn, ElementClass::signed_numbers>("Relu"));
  registry.add(unary_op<SigmoidFn>("Sigmoid"));
  registry.add(unary_op<SoftplusFn>("Softplus"));
  registry.add(unary_op<SoftsignFn>("Softsign"));
  registry.add(unary_op<MishFn>("Mish", 18));
  registry.add(unary_op<HardSwishFn>("HardSwish", 14));
  registry.add(unary_op<HardSigmoidFn>("HardSigmoid"));
  registry.add(unary_op<LeakyReluFn>("LeakyRelu"));
  registry.add(unary_op<EluFn>("Elu"));
  registry.add(unary_op<CeluFn>("Celu", 12));
  registry.add(unary_op<SeluFn>("Selu"));
  registry.add(unary_op<SwishFn>("Swish", 24));
  registry.add(unary_op<ThresholdedReluFn>("ThresholdedRelu", 10));
  registry.add(unary_op<ShrinkFn>("Shrink", 9));
  registry.add({"PRelu", 1, INT_MAX, infer_prelu, bind_prelu});
}

}  // namespace nq
