#include "ops/window.hpp"

#include <algorithm>
#include <string>

#include "core/divide_up.hpp"
#include "ops/check.hpp"

namespace nq {
namespace {

void place_same(kernels::WindowAxis& axis, bool extra_at_end) {
  axis.out = divide_up(axis.in, axis.stride);
  const std::int64_t extent = (axis.kernel - 1) * axis.dilation + 1;
  const std::int64_t total = std::max<std::int64_t>(0, (axis.out - 1) * axis.stride + extent - axis.in);
  axis.pad_begin = extra_at_end ? total / 2 : total - total / 2;
  axis.pad_end = total - axis.pad_begin;
}

void place_explicit(kernels::WindowAxis& axis, bool ceil_mode) {
  const std::int64_t extent = (axis.kernel - 1) * axis.dilation + 1;
  const std::int64_t room = axis.in + axis.pad_begin + axis.pad_end - extent;
  NQ_CHECK(room >= 0, input, "a window of extent {} does not fit {} padded elements", extent, room + extent);
  axis.out = (ceil_mode ? divide_up(room, axis.stride) : room / axis.stride) + 1;
  // A window that would start in the padding at the end does not count.
  if (ceil_mode && (axis.out - 1) * axis.stride >= axis.in + axis.pad_begin) --axis.out;
}

void check_sizes(const OpContext& context, std::string_view what, const std::vector<std::int64_t>& sizes) {
  for (const std::int64_t size : sizes) {
    NQ_CHECK(size >= -kMaxWindowSize && size <= kMaxWindowSize, resource, "{} has {} of {}, beyond the limit of {}",
             context.node().op_type, what, size, kMaxWindowSize);
  }
}

}  // namespace

std::vector<std::int64_t> spatial_attr(const OpContext& context, std::string_view name, std::size_t count,
                                       std::int64_t fallback) {
  if (!has_attr(context.node(), name)) return std::vector<std::int64_t>(count, fallback);
  std::vector<std::int64_t> values = attr_ints(context.node(), name);
  NQ_CHECK(values.size() == count, input, "{} attribute {} has {} values for {} spatial axes",
           context.node().op_type, name, values.size(), count);
  check_sizes(context, name, values);
  return values;
}

std::vector<std::int64_t> spatial_sizes(const OpContext& context, int i) {
  const Shape& shape = context.input_shape(i);
  NQ_CHECK(shape.rank() >= 3, input, "{} needs spatial axes, got shape {}", context.node().op_type,
           to_string(shape));
  std::vector<std::int64_t> sizes(shape.begin() + 2, shape.end());
  check_sizes(context, "an axis", sizes);
  return sizes;
}

kernels::Window make_window(const std::vector<kernels::WindowAxis>& axes) {
  NQ_CHECK(axes.size() <= 3, unsupported, "{} spatial axes; at most 3 are implemented", axes.size());
  kernels::Window window;
  std::copy(axes.begin(), axes.end(), window.axes.end() - static_cast<std::ptrdiff_t>(axes.size()));
  return window;
}

kernels::Window window_of(const OpContext& context, const WindowRules& rules) {
  const std::vector<std::int64_t> sizes = spatial_sizes(context, 0);
  const std::size_t count = sizes.size();
  NQ_CHECK(rules.kernel.size() == count, input, "{} has a kernel of {} axes for {} spatial axes",
           context.node().op_type, rules.kernel.size(), count);
  check_sizes(context, "a kernel", rules.kernel);
  const auto strides = spatial_attr(context, "strides", count, 1);
  const auto dilations = spatial_attr(context, "dilations", count, 1);
  const std::string auto_pad = attr_string(context.node(), "auto_pad", "NOTSET");
  const bool is_explicit = auto_pad == "NOTSET" || auto_pad.empty();
  const auto pads =
      is_explicit ? spatial_attr(context, "pads", 2 * count, 0) : std::vector<std::int64_t>(2 * count, 0);
  NQ_CHECK(is_explicit || auto_pad == "VALID" || auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER", input,
           "{} attribute auto_pad is '{}'", context.node().op_type, auto_pad);
  std::vector<kernels::WindowAxis> axes(count);
  for (std::size_t i = 0; i < count; ++i) {
    kernels::WindowAxis& axis = axes[i];
    axis.in = sizes[i];
    axis.kernel = rules.kernel[i];
    axis.stride = strides[i];
    axis.dilation = dilations[i];
    axis.pad_begin = pads[i];
    axis.pad_end = pads[count + i];
    NQ_CHECK(
        axis.kernel > 0 && axis.stride > 0 && axis.dilation > 0 && axis.pad_begin >= 0 && axis.pad_end >= 0,
        input, "{} needs positive kernel, stride and dilation and no negative padding",
        context.node().op_type);
    if (is_explicit || auto_pad == "VALID") {
      place_explicit(axis, rules.ceil_mode && is_explicit);
    } else {
      place_same(axis, auto_pad == "SAME_UPPER");
    }
  }
  return make_window(axes);
}

}  // namespace nq
