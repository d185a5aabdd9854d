#include <algorithm>
#include <cstring>

#include "ops/arguments.hpp"
#include "ops/check.hpp"

// Operators that keep the bytes of their input and change at most its shape.

namespace nq {
namespace {

class ViewKernel final : public Kernel {
 public:
  void run(const KernelArgs& args) const override {
    const std::size_t bytes = args.outputs[0].type->bytes();
    if (bytes != 0 && args.outputs[0].data != args.inputs[0].data) {
      std::memcpy(args.outputs[0].data, args.inputs[0].data, bytes);
    }
  }
  bool is_view() const override { return true; }
};

KernelPtr bind_view(const OpContext&) { return std::make_unique<ViewKernel>(); }

void set_view(OpContext& context, Shape shape) {
  check_movable(context, 0);
  const Shape& from = context.input_shape(0);
  NQ_CHECK(shape.elements() == from.elements(), input, "{} cannot turn shape {} into {}",
           context.node().op_type, to_string(from), to_string(shape));
  context.set_output(0, {context.input_type(0).dtype, std::move(shape)});
}

void infer_identity(OpContext& context) {
  check_arity(context, {1, 1});
  set_view(context, context.input_shape(0));
}

/// Replaces the one -1 of `dims` by what makes the element count that of `from`.
void fill_unknown(std::vector<std::int64_t>& dims, const Shape& from) {
  const auto unknown = std::find(dims.begin(), dims.end(), -1);
  if (unknown == dims.end()) return;
  *unknown = 1;
  const std::int64_t known = Shape(dims).elements();
  NQ_CHECK(known != 0 && from.elements() % known == 0, input,
           "Reshape cannot infer the -1 in its shape: {} elements do not divide by {}", from.elements(),
           known);
  *unknown = from.elements() / known;
}

/// The target shape: opset 1 has it as an attribute, 5 as an input, 14 adds allowzero.
void infer_reshape(OpContext& context) {
  check_arity(context, {context.opset() < 5 ? 1 : 2, 2});
  const Shape& from = context.input_shape(0);
  auto dims = ints_argument(context, {.attribute = "shape", .input = 1, .input_since = 5});
  NQ_CHECK(dims.has_value(), input, "Reshape has no shape");
  const bool keep_zero = attr_int(context.node(), "allowzero", 0) != 0;
  const auto unknown = std::count(dims->begin(), dims->end(), -1);
  NQ_CHECK(unknown <= 1, input, "Reshape has {} entries of -1 in its shape", unknown);
  for (std::size_t axis = 0; axis < dims->size(); ++axis) {
    std::int64_t& dim = (*dims)[axis];
    NQ_CHECK(dim >= -1, input, "Reshape to dimension {}", dim);
    if (dim != 0) continue;
    NQ_CHECK(!keep_zero || unknown == 0, input, "Reshape with allowzero has both 0 and -1 in its shape");
    if (keep_zero) continue;
    NQ_CHECK(static_cast<int>(axis) < from.rank(), input, "Reshape copies dimension {} of shape {}", axis,
             to_string(from));
    dim = from[static_cast<int>(axis)];
  }
  fill_unknown(*dims, from);
  set_view(context, Shape(std::move(*dims)));
}

/// [d0, ..., dn] to [d0*...*d(axis-1), d(axis)*...*dn].
void infer_flatten(OpContext& context) {
  check_arity(context, {1, 1});
  const Shape& from = context.input_shape(0);
  const std::int64_t axis = attr_int(context.node(), "axis", 1);
  NQ_CHECK(axis >= -from.rank() && axis <= from.rank(), input, "Flatten axis {} is outside rank {}", axis,
           from.rank());
  const auto split = from.begin() + (axis < 0 ? axis + from.rank() : axis);
  set_view(context, {Shape(std::vector(from.begin(), split)).elements(),
                     Shape(std::vector(split, from.end())).elements()});
}

void infer_squeeze(OpContext& context) {
  check_arity(context, {1, 2});
  const Shape& from = context.input_shape(0);
  const auto given = ints_argument(context, {.attribute = "axes"});
  const std::vector<int> axes = normalize_axes(given.value_or(std::vector<std::int64_t>{}), from.rank());
  for (const int axis : axes) {
    NQ_CHECK(from[axis] == 1, input, "Squeeze of axis {}, which is {} long", axis, from[axis]);
  }
  Shape out;
  for (int axis = 0; axis < from.rank(); ++axis) {
    const bool named = std::find(axes.begin(), axes.end(), axis) != axes.end();
    const bool dropped = given.has_value() ? named : from[axis] == 1;
    if (!dropped) out.push_back(from[axis]);
  }
  set_view(context, std::move(out));
}

void infer_unsqueeze(OpContext& context) {
  check_arity(context, {1, 2});
  const Shape& from = context.input_shape(0);
  const auto given = ints_argument(context, {.attribute = "axes"});
  NQ_CHECK(given.has_value(), input, "Unsqueeze has no axes");
  const int rank = from.rank() + static_cast<int>(given->size());
  const std::vector<int> axes = normalize_axes(*given, rank);
  Shape out;
  for (int axis = 0, next = 0; axis < rank; ++axis) {
    const bool inserted = std::find(axes.begin(), axes.end(), axis) != axes.end();
    out.push_back(inserted ? 1 : from[next++]);
  }
  set_view(context, std::move(out));
}

/// Writes every element as kept: true, or 1 of the input's type before opset 10.
class DropoutMaskKernel final : public Kernel {
 public:
  void run(const KernelArgs& args) const override {
    data_.run(args);
    const MutableTensorView& mask = args.outputs[1];
    const auto count = static_cast<std::size_t>(mask.elements());
    switch (mask.dtype()) {
      case DType::f32: std::fill_n(mask.as<float>(), count, 1.0F); break;
      case DType::f64: std::fill_n(mask.as<double>(), count, 1.0); break;
      case DType::f16: std::fill_n(mask.as<Half>(), count, to_half(1.0F)); break;
      default: std::fill_n(mask.as<bool>(), count, true); break;
    }
  }

 private:
  ViewKernel data_;
};

/// Throws Error(unsupported) when the node asks for random dropping. Opsets 1 and 6 say so by
/// is_test = 0, opsets 12 and later by the input training_mode.
void check_inference_mode(const OpContext& context) {
  if (context.opset() < 7) {
    const bool drops =
        attr_int(context.node(), "is_test", 0) == 0 && attr_float(context.node(), "ratio", 0.5F) != 0.0F;
    NQ_CHECK(!drops, unsupported, "Dropout in training mode is not implemented");
  }
  if (context.opset() < 12 || !context.has_input(2)) return;
  const std::vector<std::int64_t> training = to_vector<std::int64_t>(context.require_constant(2).view());
  if (training.empty() || training.front() == 0) return;
  const std::vector<float> ratio =
      context.has_input(1) ? to_vector<float>(context.require_constant(1).view()) : std::vector<float>{0.5F};
  NQ_CHECK(ratio.size() == 1 && ratio.front() == 0.0F, unsupported,
           "Dropout in training mode is not implemented");
}

void infer_dropout(OpContext& context) {
  check_arity(context, {1, context.opset() < 12 ? 1 : 3}, {1, 2});
  check_dtype(context, 0,
              {DType::f32, DType::f64, DType::f16, DType::bf16, DType::f8e4m3fn, DType::f8e4m3fnuz,
               DType::f8e5m2, DType::f8e5m2fnuz});
  check_inference_mode(context);
  set_view(context, context.input_shape(0));
  if (!context.has_output(1)) return;
  const DType mask = context.opset() < 10 ? context.input_type(0).dtype : DType::boolean;
  context.set_output(1, {mask, context.input_shape(0)});
}

KernelPtr bind_dropout(const OpContext& context) {
  if (context.has_output(1)) return std::make_unique<DropoutMaskKernel>();
  return std::make_unique<ViewKernel>();
}

}  // namespace

void register_view(OpRegistry& registry) {
  const auto add = [&](std::string_view type, void (*infer)(OpContext&)) {
    registry.add({.type = type, .infer = infer, .bind = bind_view, .promotion = Promotion::none});
  };
  add("Identity", infer_identity);
  add("Reshape", infer_reshape);
  add("Flatten", infer_flatten);
  add("Squeeze", infer_squeeze);
  add("Unsqueeze", infer_unsqueeze);
  registry.add(
      {.type = "Dropout", .infer = infer_dropout, .bind = bind_dropout, .promotion = Promotion::none});
}

}  // namespace nq
