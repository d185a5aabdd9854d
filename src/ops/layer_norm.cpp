#include <cmath>
#include <functional>
#include <optional>

#include "core/parallel.hpp"
#include "kernels/rows.hpp"
#include "ops/broadcast.hpp"
#include "ops/check.hpp"

// LayerNormalization (opset 17) and RMSNormalization (opset 23): over all axes from `axis` on.

namespace nq {
namespace {

struct NormShape {
  std::int64_t rows = 1, cols = 1;
  Shape inner;    ///< the normalized axes
  Shape reduced;  ///< the input's shape with 1 on the normalized axes
};

NormShape norm_shape(const OpContext& context) {
  const Shape& shape = context.input_shape(0);
  const int axis = normalize_axis(attr_int(context.node(), "axis", -1), shape.rank());
  NormShape s;
  for (int i = 0; i < shape.rank(); ++i) {
    (i < axis ? s.rows : s.cols) *= shape[i];
    if (i >= axis) s.inner.push_back(shape[i]);
    s.reduced.push_back(i < axis ? shape[i] : 1);
  }
  return s;
}

/// A scale or bias that broadcasts to the normalized axes: used in place when it covers them,
/// spread out into scratch otherwise.
class Parameter {
 public:
  Parameter(const NormShape& shape, const Shape& given) : cols_(shape.cols) {
    if (given.elements() == shape.cols) return;
    walk_ = make_broadcast<1>(shape.inner, {&given});
  }
  std::size_t scratch_floats() const { return walk_ ? static_cast<std::size_t>(cols_) : 0; }

  template <typename T>
  const T* spread(const T* values, T* scratch) const {
    if (!walk_) return values;
    const std::int64_t step = walk_->axes.back().stride[0];
    for_each_run(*walk_, 0, cols_, [&](std::int64_t position, const auto& offsets, std::int64_t length) {
      for (std::int64_t i = 0; i < length; ++i) scratch[position + i] = values[offsets[0] + i * step];
    });
    return scratch;
  }

 private:
  std::int64_t cols_;
  std::optional<Broadcast<1>> walk_;
};

struct NormSettings {
  NormShape shape;
  float epsilon = 1e-5F;
  bool center = true;
  Parameter scale;
  std::optional<Parameter> bias;
};

template <typename T>
class NormKernel final : public Kernel {
 public:
  explicit NormKernel(NormSettings settings) : s_(std::move(settings)) {}

  void run(const KernelArgs& args) const override {
    auto* scratch = reinterpret_cast<T*>(args.scratch.data());
    const T* scale = s_.scale.spread(args.inputs[1].as<T>(), scratch);
    const T* bias =
        s_.bias ? s_.bias->spread(args.inputs[2].as<T>(), scratch + s_.scale.scratch_floats()) : nullptr;
    float* mean = args.outputs.size() > 1 ? args.outputs[1].as<float>() : nullptr;
    float* inv_std = args.outputs.size() > 2 ? args.outputs[2].as<float>() : nullptr;
    normalize(args.inputs[0].as<T>(), args.outputs[0].as<T>(), scale, bias, mean, inv_std);
  }
  std::size_t scratch_bytes() const override {
    return (s_.scale.scratch_floats() + (s_.bias ? s_.bias->scratch_floats() : 0)) * sizeof(T);
  }
  int in_place_input() const override { return 0; }

 private:
  void normalize(const float* x, float* y, const float* scale, const float* bias, float* mean,
                 float* inv_std) const {
    const kernels::RowNorm norm{s_.shape.cols, s_.epsilon, s_.center, scale, bias};
    kernels::normalize_rows(norm, x, y, s_.shape.rows, mean, inv_std);
  }

  void normalize(const double* x, double* y, const double* scale, const double* bias, float* mean,
                 float* inv_std) const {
    const std::int64_t cols = s_.shape.cols;
    for (std::int64_t row = 0; row < s_.shape.rows; ++row) {
      const double* source = x + row * cols;
      double center = 0.0;
      double squares = 0.0;
      for (std::int64_t col = 0; s_.center && col < cols; ++col) center += source[col];
      center /= static_cast<double>(cols);
      for (std::int64_t col = 0; col < cols; ++col)
        squares += (source[col] - center) * (source[col] - center);
      const double factor =
          1.0 / std::sqrt(squares / static_cast<double>(cols) + static_cast<double>(s_.epsilon));
      for (std::int64_t col = 0; col < cols; ++col) {
        y[row * cols + col] =
            (source[col] - center) * factor * scale[col] + (bias != nullptr ? bias[col] : 0.0);
      }
      if (mean != nullptr) mean[row] = static_cast<float>(center);
      if (inv_std != nullptr) inv_std[row] = static_cast<float>(factor);
    }
  }

  NormSettings s_;
};

NormSettings settings_of(const OpContext& context, bool center) {
  NormShape shape = norm_shape(context);
  Parameter scale(shape, context.input_shape(1));
  NormSettings settings{std::move(shape), attr_float(context.node(), "epsilon", 1e-5F), center,
                        std::move(scale), std::nullopt};
  if (center && context.has_input(2)) settings.bias.emplace(settings.shape, context.input_shape(2));
  return settings;
}

template <bool Center>
KernelPtr bind_norm(const OpContext& context) {
  NormSettings settings = settings_of(context, Center);
  if (context.input_type(0).dtype == DType::f64)
    return std::make_unique<NormKernel<double>>(std::move(settings));
  return std::make_unique<NormKernel<float>>(std::move(settings));
}

template <bool Center>
void infer_norm(OpContext& context) {
  check_arity(context, {2, Center ? 3 : 2}, {1, Center ? 3 : 1});
  check_float(context, 0);
  check_same_dtype(context, 0, 1);
  if (Center && context.has_input(2)) check_same_dtype(context, 0, 2);
  const NormSettings settings = settings_of(context, Center);
  context.set_output(0, context.input_type(0));
  for (int i = 1; i < context.num_outputs(); ++i) {
    if (context.has_output(i)) context.set_output(i, {DType::f32, settings.shape.reduced});
  }
}

}  // namespace

void register_layer_norm(OpRegistry& registry) {
  registry.add({"LayerNormalization", 17, INT_MAX, infer_norm<true>, bind_norm<true>});
  registry.add({"RMSNormalization", 23, INT_MAX, infer_norm<false>, bind_norm<false>});
}

}  // namespace nq
