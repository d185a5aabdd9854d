#include "ops/arguments.hpp"
#include "ops/strided_copy.hpp"

// Both operators are one permutation of the input seen with six axes, so each is a strided copy.
// The axes below are named n (batch), c (the smaller channel count), y and x (position inside a
// block), h and w (block).

namespace nq {
namespace {

std::int64_t block_size(const OpContext& context) {
  const std::int64_t block = attr_int(context.node(), "blocksize", 0);
  NQ_CHECK(block >= 1 && block <= 65536, input, "{} blocksize is {}", context.node().op_type, block);
  return block;
}

/// Mode DCR keeps block positions outside the channels, CRD inside.
bool is_crd(const OpContext& context) {
  const std::string mode = attr_string(context.node(), "mode", "DCR");
  NQ_CHECK(mode == "DCR" || mode == "CRD", input, "{} mode is '{}'", context.node().op_type, mode);
  return mode == "CRD";
}

/// The geometry shared by both directions, for the deep side [n, c*b*b, h, w].
struct Blocks {
  std::int64_t n, c, h, w, b;
  bool crd;

  /// Axes n, c, h, y, w, x with the strides of the deep side as src, of the wide side as dst.
  std::vector<CopyAxis> axes() const {
    if (n == 0 || c == 0 || h == 0 || w == 0) return {{0, 0, 0}};
    const std::int64_t plane = h * w;
    const std::int64_t c_step = crd ? plane * b * b : plane;
    const std::int64_t x_step = crd ? plane : plane * c;
    const std::int64_t row = w * b;
    return {{n, c * b * b * plane, c * b * b * plane},
            {c, c_step, plane * b * b},
            {h, w, b * row},
            {b, x_step * b, row},
            {w, 1, b},
            {b, x_step, 1}};
  }
};

void check_image(const OpContext& context) {
  check_arity(context, {1, 1});
  check_movable(context, 0);
  NQ_CHECK(context.input_shape(0).rank() == 4, input, "{} takes [N,C,H,W], got {}", context.node().op_type,
           to_string(context.input_shape(0)));
}

void infer_depth_to_space(OpContext& context) {
  check_image(context);
  (void)is_crd(context);
  const std::int64_t b = block_size(context);
  const Shape& in = context.input_shape(0);
  NQ_CHECK(in[1] % (b * b) == 0, input, "DepthToSpace of {} channels with blocksize {}", in[1], b);
  context.set_output(0, {context.input_type(0).dtype, {in[0], in[1] / (b * b), in[2] * b, in[3] * b}});
}

KernelPtr bind_depth_to_space(const OpContext& context) {
  const std::int64_t b = block_size(context);
  const Shape& in = context.input_shape(0);
  const Blocks blocks{in[0], in[1] / (b * b), in[2], in[3], b, is_crd(context)};
  return make_copy_kernel(StridedCopy(blocks.axes(), element_bytes(context.input_type(0).dtype)));
}

void infer_space_to_depth(OpContext& context) {
  check_image(context);
  (void)is_crd(context);
  const std::int64_t b = block_size(context);
  const Shape& in = context.input_shape(0);
  NQ_CHECK(in[2] % b == 0 && in[3] % b == 0, input, "SpaceToDepth of {}x{} with blocksize {}", in[2], in[3],
           b);
  context.set_output(0, {context.input_type(0).dtype, {in[0], in[1] * b * b, in[2] / b, in[3] / b}});
}

KernelPtr bind_space_to_depth(const OpContext& context) {
  const std::int64_t b = block_size(context);
  const Shape& in = context.input_shape(0);
  const Blocks blocks{in[0], in[1], in[2] / b, in[3] / b, b, is_crd(context)};
  std::vector<CopyAxis> axes = blocks.axes();
  // The same walk backwards, ordered by the deep side so that it is written along its rows.
  for (CopyAxis& axis : axes) std::swap(axis.src_stride, axis.dst_stride);
  std::sort(axes.begin(), axes.end(),
            [](const CopyAxis& a, const CopyAxis& other) { return a.dst_stride > other.dst_stride; });
  return make_copy_kernel(StridedCopy(axes, element_bytes(context.input_type(0).dtype)));
}

}  // namespace

void register_depth_space(OpRegistry& registry) {
  registry.add({.type = "DepthToSpace",
                .infer = infer_depth_to_space,
                .bind = bind_depth_to_space,
                .promotion = Promotion::none});
  registry.add({.type = "SpaceToDepth",
                .infer = infer_space_to_depth,
                .bind = bind_space_to_depth,
                .promotion = Promotion::none});
}

}  // namespace nq
