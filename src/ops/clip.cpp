#include <limits>

#include "ops/elementwise.hpp"

// Clip: bounds are attributes before opset 11 and optional one-element inputs after.

namespace nq {
namespace {

/// Where the bounds of a Clip come from.
struct AttributeBounds {
  float min = std::numeric_limits<float>::lowest();
  float max = std::numeric_limits<float>::max();
};

template <typename T>
class ClipKernel final : public Kernel {
 public:
  explicit ClipKernel(std::optional<AttributeBounds> attributes) : attributes_(attributes) {}

  // Where min > max the result is max, and NaN stays NaN, as in numpy.clip.
  void run(const KernelArgs& args) const override {
    const T low = attributes_ ? static_cast<T>(attributes_->min) : bound(args, 1, lowest());
    const T high = attributes_ ? static_cast<T>(attributes_->max) : bound(args, 2, highest());
    const T* in = args.inputs[0].as<T>();
    T* out = args.outputs[0].as<T>();
    parallel_elements(args.outputs[0].elements(), [&](std::int64_t begin, std::int64_t end) {
      const T lower = low;
      const T upper = high;
#pragma GCC ivdep
      for (std::int64_t i = begin; i < end; ++i) {
        const T raised = in[i] < lower ? lower : in[i];
        out[i] = raised > upper ? upper : raised;
      }
    });
  }
  int in_place_input() const override { return 0; }

 private:
  static T lowest() {
    if constexpr (std::is_floating_point_v<T>)
      return -std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::min();
  }
  static T highest() {
    if constexpr (std::is_floating_point_v<T>)
      return std::numeric_limits<T>::infinity();
    else
      return std::numeric_limits<T>::max();
  }
  static T bound(const KernelArgs& args, std::size_t i, T fallback) {
    return i < args.inputs.size() && args.inputs[i].present() ? *args.inputs[i].as<T>() : fallback;
  }

  std::optional<AttributeBounds> attributes_;
};

bool has_attribute_bounds(const OpContext& context) { return context.opset() < 11; }

void infer_clip(OpContext& context) {
  check_arity(context, {1, has_attribute_bounds(context) ? 1 : 3});
  if (has_attribute_bounds(context)) check_float(context, 0);
  if (!is_numeric(context.input_type(0).dtype)) fail_dtype(context, 0);
  for (const int i : {1, 2}) {
    if (!context.has_input(i)) continue;
    check_same_dtype(context, 0, i);
    NQ_CHECK(context.input_shape(i).elements() == 1, input, "Clip input {} must hold one element, not {}", i,
             to_string(context.input_shape(i)));
  }
  context.set_output(0, context.input_type(0));
}

KernelPtr bind_clip(const OpContext& context) {
  std::optional<AttributeBounds> bounds;
  if (has_attribute_bounds(context)) {
    const AttributeBounds widest;
    bounds = AttributeBounds{attr_float(context.node(), "min", widest.min),
                             attr_float(context.node(), "max", widest.max)};
  }
  return visit_numeric(context.input_type(0).dtype, [&](auto tag) -> KernelPtr {
    return std::make_unique<ClipKernel<typename decltype(tag)::type>>(bounds);
  });
}

}  // namespace

void register_clip(OpRegistry& registry) { registry.add({"Clip", 1, INT_MAX, infer_clip, bind_clip}); }

}  // namespace nq
