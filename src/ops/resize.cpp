#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "core/parallel.hpp"
#include "ops/arguments.hpp"
#include "ops/broadcast.hpp"
#include "ops/convert.hpp"
#include "ops/resize_geometry.hpp"
#include "ops/resize_weights.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// Longest output axis of mode nearest, whose source positions are tabulated.
constexpr std::int64_t kMaxNearestAxis = std::int64_t{1} << 27;

/// Upsample-1 calls linear "bilinear".
bool is_nearest(const OpContext& context) {
  const std::string mode = attr_string(context.node(), "mode", "nearest");
  const bool linear = mode == "linear" || (mode == "bilinear" && context.opset() < 7);
  const bool cubic = mode == "cubic" && context.opset() >= 11;
  NQ_CHECK(mode == "nearest" || linear || cubic, input, "{} (opset {}) mode is '{}'", context.node().op_type,
           context.opset(), mode);
  return mode == "nearest";
}

enum class NearestMode { round_prefer_floor, round_prefer_ceil, floor, ceil };

/// Before opset 11 there is no attribute: enlarging rounds down; Resize-10 rounds up when it
/// reduces, as its node tests do.
NearestMode nearest_mode(const OpContext& context, const ResizeAxis& axis) {
  if (context.opset() < 11) return axis.scale < 1 ? NearestMode::ceil : NearestMode::floor;
  const std::string name = attr_string(context.node(), "nearest_mode", "round_prefer_floor");
  if (name == "round_prefer_floor") return NearestMode::round_prefer_floor;
  if (name == "round_prefer_ceil") return NearestMode::round_prefer_ceil;
  if (name == "floor") return NearestMode::floor;
  if (name == "ceil") return NearestMode::ceil;
  fail(ErrorKind::input, "Resize nearest_mode is '{}'", name);
}

double nearest(double position, NearestMode mode) {
  const double below = std::floor(position);
  const double fraction = position - below;
  switch (mode) {
    case NearestMode::floor: return below;
    case NearestMode::ceil: return std::ceil(position);
    case NearestMode::round_prefer_floor: return fraction <= 0.5 ? below : below + 1;
    case NearestMode::round_prefer_ceil: break;
  }
  return fraction < 0.5 ? below : below + 1;
}

/// Source position of each output element of the axis; -1 takes the extrapolation value.
std::vector<std::int64_t> nearest_positions(const OpContext& context, const ResizeAxis& axis) {
  NQ_CHECK(axis.out <= kMaxNearestAxis, resource, "Resize makes an axis {} elements long", axis.out);
  const ResizeCoordinates coordinates = resize_coordinates(context);
  const NearestMode mode = nearest_mode(context, axis);
  std::vector<std::int64_t> positions;
  for (std::int64_t k = 0; k < axis.out; ++k) {
    const double position = source_position(axis, coordinates, k);
    const bool outside = is_extrapolated(axis, coordinates, position);
    const double inside = std::clamp(nearest(position, mode), 0.0, static_cast<double>(axis.in - 1));
    positions.push_back(outside ? -1 : static_cast<std::int64_t>(inside));
  }
  return positions;
}

/// The extrapolation value in the type of the input.
Tensor extrapolation(const OpContext& context) {
  Tensor element(TensorType{context.input_type(0).dtype, {}});
  const float value = attr_float(context.node(), "extrapolation_value", 0.0F);
  find_converter(DType::f32, element.dtype())(reinterpret_cast<const std::byte*>(&value),
                                              element.mutable_data(), 1);
  return element;
}

/// Picks elements. A row runs along the last axis that changes; its items are blocks of the
/// unchanged axes behind it.
class NearestKernel final : public Kernel {
 public:
  explicit NearestKernel(const OpContext& context) : outside_(extrapolation(context)) {
    std::vector<ResizeAxis> axes = resize_axes(context);
    strides_ = dense_strides(context.input_shape(0));
    while (!axes.empty() && axes.back().is_identity()) {
      block_ *= axes.back().in;
      axes.pop_back();
      strides_.pop_back();
    }
    for (const ResizeAxis& axis : axes) positions_.push_back(nearest_positions(context, axis));
    const std::int64_t elements = context.output_type(0).shape.elements();
    const std::int64_t row = axes.empty() ? 1 : axes.back().out;
    rows_ = elements == 0 ? 0 : elements / (row * block_);
    row_ = row;
  }

  void run(const KernelArgs& args) const override {
    const auto chunk = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) write_row(args, row);
    };
    const auto row_bytes = row_ * block_ * static_cast<std::int64_t>(outside_.bytes());
    parallel_for(0, rows_, std::max<std::int64_t>(1, kCopyGrainBytes / std::max<std::int64_t>(1, row_bytes)),
                 std::ref(chunk));
  }

 private:
  /// Offset of the source row in elements, or -1 when it lies outside.
  std::int64_t source_row(std::int64_t row) const {
    std::int64_t offset = 0;
    for (std::size_t axis = positions_.empty() ? 0 : positions_.size() - 1; axis-- > 0;) {
      const auto length = static_cast<std::int64_t>(positions_[axis].size());
      const std::int64_t at = positions_[axis][row % length];
      if (at < 0) return -1;
      offset += at * strides_[axis];
      row /= length;
    }
    return offset;
  }

  void write_row(const KernelArgs& args, std::int64_t row) const {
    const std::size_t bytes = outside_.bytes();
    const std::size_t item = static_cast<std::size_t>(block_) * bytes;
    std::byte* to = args.outputs[0].data + row * row_ * item;
    const std::int64_t offset = source_row(row);
    if (offset < 0) return fill_elements(to, outside_.data(), row_ * block_, bytes);
    const std::byte* from = args.inputs[0].data + offset * bytes;
    if (positions_.empty()) return copy_block(to, from, item);
    for (std::int64_t k = 0; k < row_; ++k) {
      const std::int64_t at = positions_.back()[k];
      if (at < 0)
        fill_elements(to + k * item, outside_.data(), block_, bytes);
      else
        copy_block(to + k * item, from + at * item, item);
    }
  }

  Tensor outside_;
  std::vector<std::vector<std::int64_t>> positions_;  ///< of the axes up to the row's
  std::vector<std::int64_t> strides_;
  std::int64_t block_ = 1;
  std::int64_t row_ = 1;
  std::int64_t rows_ = 0;
};

/// One axis to filter: [outer, in, inner] to [outer, out, inner].
struct FilterPass {
  std::int64_t outer, in, out, inner;
  ResizeWeights weights;
};

/// `outside` fills the positions that have no weights.
template <typename T>
void run_pass(const FilterPass& pass, const T* in, T* out, T outside) {
  const ResizeWeights& table = pass.weights;
  const auto chunk = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line) {
      const std::int64_t k = line % pass.out;
      const T* from = in + (line / pass.out * pass.in + table.first[k]) * pass.inner;
      T* to = out + line * pass.inner;
      std::fill_n(to, pass.inner, table.count[k] == 0 ? outside : T{0});
      for (std::int64_t j = 0; j < table.count[k]; ++j) {
        const T weight = static_cast<T>(table.weights[k * table.taps + j]);
        for (std::int64_t i = 0; i < pass.inner; ++i) to[i] += weight * from[j * pass.inner + i];
      }
    }
  };
  const std::int64_t grain = kElementGrain / (pass.inner * table.taps) + 1;
  parallel_for(0, pass.outer * pass.out, grain, std::ref(chunk));
}

/// Rounds to nearest even and saturates; ONNX leaves the rounding of integer results open.
template <typename T>
void round_to(const double* from, T* to, std::int64_t count) {
  for (std::int64_t k = 0; k < count; ++k) to[k] = saturating_trunc<T>(std::nearbyint(from[k]));
}

/// Filters one axis after the other, in float32 for float32 and in float64 for other types.
class FilterKernel final : public Kernel {
 public:
  explicit FilterKernel(const OpContext& context)
      : outside_(attr_float(context.node(), "extrapolation_value", 0.0F)),
        dtype_(context.input_type(0).dtype),
        largest_(context.input_shape(0).elements()) {
    Shape shape = context.input_shape(0);
    if (context.output_type(0).shape.elements() == 0) return;
    const std::vector<ResizeAxis> axes = resize_axes(context);
    for (int k = 0; k < shape.rank(); ++k) {
      if (axes[k].is_identity()) continue;
      passes_.push_back({Shape(std::vector(shape.begin(), shape.begin() + k)).elements(), axes[k].in,
                         axes[k].out, Shape(std::vector(shape.begin() + k + 1, shape.end())).elements(),
                         resize_weights(axes[k], resize_coordinates(context), resize_filter(context))});
      shape[k] = axes[k].out;
      largest_ = std::max(largest_, shape.elements());
    }
  }

  std::size_t scratch_bytes() const override {
    const bool direct = is_float(dtype_) && passes_.size() <= 1;
    if (direct || passes_.empty()) return 0;
    return 2 * buffer_bytes();
  }

  void run(const KernelArgs& args) const override {
    if (args.outputs[0].elements() == 0) return;
    if (passes_.empty()) {
      std::memcpy(args.outputs[0].data, args.inputs[0].data, args.outputs[0].type->bytes());
    } else if (dtype_ == DType::f32) {
      run_passes(args, args.inputs[0].as<float>(), args.outputs[0].as<float>());
    } else if (dtype_ == DType::f64) {
      run_passes(args, args.inputs[0].as<double>(), args.outputs[0].as<double>());
    } else {
      run_integers(args);
    }
  }

 private:
  std::size_t buffer_bytes() const {
    const std::size_t element = dtype_ == DType::f32 ? sizeof(float) : sizeof(double);
    return (static_cast<std::size_t>(largest_) * element + 63) / 64 * 64;
  }

  template <typename T>
  T* buffer(const KernelArgs& args, std::size_t which) const {
    return reinterpret_cast<T*>(args.scratch.data() + which * buffer_bytes());
  }

  /// Alternates between the two buffers; pass p reads what pass p - 1 wrote.
  template <typename T>
  void run_passes(const KernelArgs& args, const T* in, T* out) const {
    for (std::size_t p = 0; p < passes_.size(); ++p) {
      T* to = p + 1 == passes_.size() ? out : buffer<T>(args, 1 - p % 2);
      run_pass(passes_[p], in, to, static_cast<T>(outside_));
      in = to;
    }
  }

  void run_integers(const KernelArgs& args) const {
    double* first = buffer<double>(args, 0);
    double* last = buffer<double>(args, passes_.size() % 2);
    find_converter(dtype_, DType::f64)(args.inputs[0].data, reinterpret_cast<std::byte*>(first),
                                       args.inputs[0].elements());
    run_passes(args, first, last);
    visit_integer(dtype_, [&](auto tag) {
      round_to(last, args.outputs[0].as<typename decltype(tag)::type>(), args.outputs[0].elements());
    });
  }

  float outside_;
  DType dtype_;
  std::int64_t largest_;  ///< elements of the largest tensor between two passes
  std::vector<FilterPass> passes_;
};

void infer_resize(OpContext& context) {
  check_arity(context, {1, context.opset() < 11 ? 2 : 4});
  check_movable(context, 0);
  const bool antialias = context.opset() >= 18 && attr_int(context.node(), "antialias", 0) != 0;
  NQ_CHECK(!antialias || !is_nearest(context), input, "Resize with mode nearest cannot antialias");
  if (!is_nearest(context) && !is_numeric(context.input_type(0).dtype)) fail_dtype(context, 0);
  Shape out;
  for (const ResizeAxis& axis : resize_axes(context)) {
    NQ_CHECK(axis.in > 0 || axis.out == 0, input, "Resize of an empty axis to {}", axis.out);
    out.push_back(axis.out);
  }
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

KernelPtr bind_resize(const OpContext& context) {
  if (is_nearest(context)) return std::make_unique<NearestKernel>(context);
  return std::make_unique<FilterKernel>(context);
}

}  // namespace

void register_resize(OpRegistry& registry) {
  registry.add({.type = "Resize", .since = 10, .infer = infer_resize, .bind = bind_resize});
  registry.add({.type = "Upsample", .until = 9, .infer = infer_resize, .bind = bind_resize});
}

}  // namespace nq
