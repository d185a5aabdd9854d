#pragma once

#include <memory>
#include <type_traits>

#include "ops/broadcast.hpp"
#include "ops/check.hpp"

// Kernels and inference shared by the elementwise operator families. A function object `Fn` maps
// element values; it is either stateless or built from the OpContext (attributes).

namespace nq {

/// Integers are computed in this unsigned type, where overflow wraps as numpy's does.
template <typename T>
using WrapType =
    std::conditional_t<(sizeof(T) < sizeof(std::uint32_t)), std::uint32_t, std::make_unsigned_t<T>>;

/// Element types that a unary operator takes, after promotion.
enum class ElementClass { floats, signed_numbers, numbers };

/// True when `elements` contains `dtype`.
bool contains(ElementClass elements, DType dtype) noexcept;

/// One input of class `elements`, one output of the same type.
void infer_same_type(OpContext& context, ElementClass elements);

/// Aligned shapes of a binary operator: `b` may have trailing ones appended.
struct BinaryShapes {
  Shape a;
  Shape b;
  Shape out;
};

/// Numpy broadcasting from opset 7 on; before that b must equal a's shape, or with `broadcast` = 1
/// fit into it starting at `axis` (default: aligned at the end).
BinaryShapes binary_shapes(const OpContext& context);

/// Input whose memory may hold the output of a binary operator, or -1.
int binary_in_place_input(const OpContext& context);

template <typename Fn>
Fn make_function(const OpContext& context) {
  if constexpr (std::is_constructible_v<Fn, const OpContext&>) {
    return Fn(context);
  } else {
    return Fn{};
  }
}

/// A function object with a vectorized float32 form over arrays.
template <typename Fn>
concept HasArrayForm = requires(const float* x, float* y) {
  Fn::array(x, y, std::int64_t{1});
};

/// out[i] = fn(in[i]).
template <typename In, typename Out, typename Fn>
class UnaryKernel final : public Kernel {
 public:
  explicit UnaryKernel(Fn fn) : fn_(fn) {}

  void run(const KernelArgs& args) const override {
    const In* in = args.inputs[0].as<In>();
    Out* out = args.outputs[0].as<Out>();
    parallel_elements(args.outputs[0].elements(), [&](std::int64_t begin, std::int64_t end) {
      if constexpr (std::is_same_v<In, float> && HasArrayForm<Fn>) {
        Fn::array(in + begin, out + begin, end - begin);
      } else {
        const Fn fn = fn_;
#pragma GCC ivdep
        for (std::int64_t i = begin; i < end; ++i) out[i] = fn(in[i]);
      }
    });
  }
  int in_place_input() const override { return std::is_same_v<In, Out> ? 0 : -1; }

 private:
  Fn fn_;
};

/// out[i] = fn(a[i], b[i]) under broadcasting.
template <typename In, typename Out, typename Fn>
class BinaryKernel final : public Kernel {
 public:
  BinaryKernel(Fn fn, Broadcast<2> walk, int in_place_input)
      : fn_(fn), walk_(std::move(walk)), in_place_input_(in_place_input) {}

  void run(const KernelArgs& args) const override {
    const In* a = args.inputs[0].as<In>();
    const In* b = args.inputs[1].as<In>();
    Out* out = args.outputs[0].as<Out>();
    const auto [a_step, b_step] = walk_.axes.back().stride;
    parallel_runs(walk_, [&, a_step = a_step, b_step = b_step](std::int64_t position, const auto& offsets,
                                                               std::int64_t length) {
      run_span(a + offsets[0], a_step, b + offsets[1], b_step, out + position, length);
    });
  }
  int in_place_input() const override { return in_place_input_; }

 private:
  // ivdep: out may be a or b itself, never a shifted view of them.
  void run_span(const In* a, std::int64_t a_step, const In* b, std::int64_t b_step, Out* out,
                std::int64_t length) const {
    const Fn fn = fn_;
    if (a_step != 0 && b_step != 0) {
#pragma GCC ivdep
      for (std::int64_t i = 0; i < length; ++i) out[i] = fn(a[i], b[i]);
    } else if (a_step != 0) {
      const In right = *b;
#pragma GCC ivdep
      for (std::int64_t i = 0; i < length; ++i) out[i] = fn(a[i], right);
    } else if (b_step != 0) {
      const In left = *a;
#pragma GCC ivdep
      for (std::int64_t i = 0; i < length; ++i) out[i] = fn(left, b[i]);
    } else {
      const Out value = fn(*a, *b);
      for (std::int64_t i = 0; i < length; ++i) out[i] = value;
    }
  }

  Fn fn_;
  Broadcast<2> walk_;
  int in_place_input_;
};

/// Kernel of a unary operator from T to T, for the element types of `elements`.
template <typename Fn, ElementClass elements>
KernelPtr bind_unary(const OpContext& context) {
  const auto make = [&](auto tag) -> KernelPtr {
    using T = typename decltype(tag)::type;
    return std::make_unique<UnaryKernel<T, T, Fn>>(make_function<Fn>(context));
  };
  const DType dtype = context.input_type(0).dtype;
  if constexpr (elements == ElementClass::floats) {
    return visit_float(dtype, make);
  } else {
    return visit_numeric(dtype, make);
  }
}

template <ElementClass elements>
void infer_unary(OpContext& context) {
  infer_same_type(context, elements);
}

/// Definition of a unary operator over opset versions [since, until].
template <typename Fn, ElementClass elements = ElementClass::floats>
OpDef unary_op(std::string_view type, int since = 1, int until = INT_MAX) {
  return {type, since, until, infer_unary<elements>, bind_unary<Fn, elements>};
}

/// Kernel of a binary operator with element type `In` and its walk over both inputs.
template <typename In, typename Out, typename Fn>
KernelPtr make_binary(const OpContext& context) {
  const BinaryShapes shapes = binary_shapes(context);
  auto walk = make_broadcast<2>(shapes.out, {&shapes.a, &shapes.b});
  const int in_place = std::is_same_v<In, Out> ? binary_in_place_input(context) : -1;
  return std::make_unique<BinaryKernel<In, Out, Fn>>(make_function<Fn>(context), std::move(walk), in_place);
}

}  // namespace nq
