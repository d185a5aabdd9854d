#include "ops/conv_shape.hpp"

#include "ops/check.hpp"
#include "ops/window.hpp"

namespace nq {

kernels::ConvShape conv_shape(const OpContext& context, int w_input) {
  const Node& node = context.node();
  const Shape& x = context.input_shape(0);
  const Shape& w = context.input_shape(w_input);
  NQ_CHECK(x.rank() >= 3 && x.rank() == w.rank(), input, "{} of {} with a kernel of shape {}", node.op_type,
           to_string(x), to_string(w));
  kernels::ConvShape shape;
  shape.batch = x[0];
  shape.groups = attr_int(node, "group", 1);
  NQ_CHECK(shape.groups > 0 && x[1] % shape.groups == 0 && w[0] % shape.groups == 0, input,
           "{} cannot cut {} and {} channels into {} groups", node.op_type, x[1], w[0], shape.groups);
  shape.c_in = x[1] / shape.groups;
  shape.c_out = w[0] / shape.groups;
  NQ_CHECK(w[1] == shape.c_in, input, "{} kernel {} takes {} channels per group, the input has {}",
           node.op_type, to_string(w), w[1], shape.c_in);
  const std::vector<std::int64_t> taps(w.begin() + 2, w.end());
  if (has_attr(node, "kernel_shape")) {
    NQ_CHECK(attr_ints(node, "kernel_shape") == taps, input, "{} kernel_shape does not match the kernel {}",
             node.op_type, to_string(w));
  }
  shape.window = window_of(context, {taps, false});
  return shape;
}

Shape conv_output_shape(const OpContext& context, const kernels::ConvShape& shape) {
  const int spatial = context.input_shape(0).rank() - 2;
  Shape out{shape.batch, shape.groups * shape.c_out};
  for (int i = 3 - spatial; i < 3; ++i) out.push_back(shape.window.axes[static_cast<std::size_t>(i)].out);
  return out;
}

}  // namespace nq
