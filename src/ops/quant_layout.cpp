#include "ops/quant_layout.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "ops/convert.hpp"

namespace nq {

QuantLayout::QuantLayout(const OpContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& scale = context.input_shape(1);
  elements_ = x.elements();
  scale_count_ = scale.elements();
  if (context.has_input(2)) {
    const Shape& zero_point = context.input_shape(2);
    const bool both_single = scale_count_ == 1 && zero_point.elements() == 1;
    NQ_CHECK(zero_point == scale || both_single, input, "zero point shape {} differs from scale shape {}",
             to_string(zero_point), to_string(scale));
  }
  const bool per_tensor = scale.rank() <= 1 && scale_count_ == 1;
  if (!per_tensor) set_axis(context);
}

void QuantLayout::set_axis(const OpContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& scale = context.input_shape(1);
  const std::int64_t default_axis = x.rank() == 1 ? 0 : 1;
  const int axis = normalize_axis(attr_int(context.node(), "axis", default_axis), x.rank());
  axis_size_ = x[axis];
  for (int later = axis + 1; later < x.rank() && elements_ > 0; ++later) inner_ *= x[later];
  block_ = context.opset() >= 21 ? attr_int(context.node(), "block_size", 0) : 0;
  NQ_CHECK(block_ >= 0, input, "block_size {} is negative", block_);
  if (block_ > 0) {
    check_blocks(context, axis);
    return;
  }
  NQ_CHECK(scale.rank() == 1 && scale[0] == axis_size_, input, "scale shape {} does not fit axis {} of {}",
           to_string(scale), axis, to_string(x));
  granularity_ = Granularity::per_axis;
}

void QuantLayout::check_blocks(const OpContext& context, int axis) {
  const Shape& x = context.input_shape(0);
  const Shape& scale = context.input_shape(1);
  blocks_ = axis_size_ / block_ + (axis_size_ % block_ != 0 ? 1 : 0);
  Shape expected = x;
  expected[axis] = blocks_;
  NQ_CHECK(scale == expected, input, "scale shape {} does not fit {} in blocks of {} along axis {}",
           to_string(scale), to_string(x), block_, axis);
  granularity_ = Granularity::blocked;
}

QuantRun QuantLayout::run_at(std::int64_t position) const {
  if (granularity_ == Granularity::per_tensor) return {0, 0, elements_ - position};
  const std::int64_t lane = position % inner_;
  const std::int64_t outer_and_axis = position / inner_;
  const std::int64_t index = outer_and_axis % axis_size_;
  if (granularity_ == Granularity::per_axis) {
    return inner_ == 1 ? QuantRun{index, 1, axis_size_ - index} : QuantRun{index, 0, inner_ - lane};
  }
  const std::int64_t outer = outer_and_axis / axis_size_;
  const std::int64_t block = index / block_;
  const std::int64_t first_scale = (outer * blocks_ + block) * inner_;
  if (inner_ > 1) return {first_scale + lane, 1, inner_ - lane};
  return {first_scale, 0, std::min(block_ - index % block_, axis_size_ - index)};
}

QuantParameters::QuantParameters(const QuantLayout& layout, const KernelArgs& args) {
  const std::int64_t count = layout.scale_count();
  auto* scale_copy = reinterpret_cast<float*>(args.scratch.data());
  float* zero_point_copy = scale_copy + count;
  const TensorView& scale = args.inputs[1];
  scales_ = scale.dtype() == DType::f32 ? scale.as<float>() : scale_copy;
  zero_points_ = zero_point_copy;
  if (scales_ == scale_copy) {
    find_converter(scale.dtype(), DType::f32)(scale.data, reinterpret_cast<std::byte*>(scale_copy), count);
  }
  if (args.inputs.size() > 2 && args.inputs[2].present()) {
    const TensorView& zero_point = args.inputs[2];
    find_converter(zero_point.dtype(), DType::f32)(zero_point.data,
                                                   reinterpret_cast<std::byte*>(zero_point_copy), count);
  } else {
    std::fill_n(zero_point_copy, count, 0.0F);
  }
}

std::size_t QuantParameters::scratch_bytes(const QuantLayout& layout) {
  return 2 * sizeof(float) * static_cast<std::size_t>(layout.scale_count());
}

}  // namespace nq
