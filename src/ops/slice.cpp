#include <algorithm>
#include <numeric>

#include "ops/arguments.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// What one axis keeps: `count` elements from `begin` in steps of `step`.
struct AxisSlice {
  std::int64_t begin = 0;
  std::int64_t count = 0;
  std::int64_t step = 1;
};

/// Applies numpy's rules to one axis of `length`: negative positions count from the end, and
/// positions outside are clamped, so INT_MIN and INT_MAX mean "to the end".
AxisSlice clamp_slice(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t length) {
  NQ_CHECK(step != 0, input, "Slice step is 0");
  // A step beyond the axis keeps one element; bounding it keeps the arithmetic in range.
  step = std::clamp(step, -length - 1, length + 1);
  const std::int64_t low = step > 0 ? 0 : -1;
  const std::int64_t high = step > 0 ? length : length - 1;
  const auto resolve = [&](std::int64_t position) {
    return std::clamp(position < 0 ? position + length : position, low, high);
  };
  const std::int64_t from = resolve(start);
  const std::int64_t to = resolve(end);
  const std::int64_t span = step > 0 ? to - from : from - to;
  const std::int64_t stride = step > 0 ? step : -step;
  return {from, span <= 0 ? 0 : (span + stride - 1) / stride, step};
}

/// Slices of all axes. Opset 1 has starts, ends and axes as attributes; opset 10 makes them inputs
/// and adds steps.
std::vector<AxisSlice> slices(const OpContext& context) {
  const Shape& shape = context.input_shape(0);
  const auto starts = ints_argument(context, {"starts", 1, 10});
  const auto ends = ints_argument(context, {"ends", 2, 10});
  auto axes = ints_argument(context, {"axes", 3, 10});
  auto steps = context.opset() < 10 ? std::nullopt : ints_argument(context, {"steps", 4, 10});
  NQ_CHECK(starts.has_value() && ends.has_value(), input, "Slice has no starts or no ends");
  if (!axes.has_value()) {
    axes.emplace(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (!steps.has_value()) steps.emplace(starts->size(), 1);
  NQ_CHECK(
      ends->size() == starts->size() && axes->size() == starts->size() && steps->size() == starts->size(),
      input, "Slice has {} starts, {} ends, {} axes and {} steps", starts->size(), ends->size(), axes->size(),
      steps->size());
  std::vector<AxisSlice> result;
  for (const std::int64_t length : shape) result.push_back({0, length, 1});
  const std::vector<int> positions = normalize_axes(*axes, shape.rank());
  for (std::size_t k = 0; k < positions.size(); ++k) {
    result[positions[k]] = clamp_slice((*starts)[k], (*ends)[k], (*steps)[k], shape[positions[k]]);
  }
  return result;
}

void infer_slice(OpContext& context) {
  check_arity(context, {context.opset() < 10 ? 1 : 3, context.opset() < 10 ? 1 : 5});
  check_movable(context, 0);
  Shape out;
  for (const AxisSlice& slice : slices(context)) out.push_back(slice.count);
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

KernelPtr bind_slice(const OpContext& context) {
  const std::vector<std::int64_t> src = dense_strides(context.input_shape(0));
  const std::vector<std::int64_t> dst = dense_strides(context.output_type(0).shape);
  const std::vector<AxisSlice> kept = slices(context);
  std::vector<CopyAxis> axes;
  std::int64_t offset = 0;
  for (std::size_t k = 0; k < kept.size(); ++k) {
    axes.push_back({kept[k].count, src[k] * kept[k].step, dst[k]});
    if (kept[k].count > 0) offset += src[k] * kept[k].begin;
  }
  return make_copy_kernel(StridedCopy(axes, element_bytes(context.input_type(0).dtype), offset));
}

}  // namespace

void register_slice(OpRegistry& registry) {
  registry.add({.type = "Slice", .infer = infer_slice, .bind = bind_slice, .promotion = Promotion::none});
}

}  // namespace nq
