#include <limits>

#include "ops/arguments.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// Opset 1 defaults the axis to 1; later versions require it.
int concat_axis(const OpContext& context) {
  const bool required = context.opset() >= 4;
  NQ_CHECK(!required || has_attr(context.node(), "axis"), input, "Concat has no axis");
  return normalize_axis(attr_int(context.node(), "axis", 1), context.input_shape(0).rank());
}

void infer_concat(OpContext& context) {
  check_arity(context, {1, std::numeric_limits<int>::max()});
  const int axis = concat_axis(context);
  Shape out = context.input_shape(0);
  check_movable(context, 0);
  for (int i = 1; i < context.num_inputs(); ++i) {
    check_same_dtype(context, 0, i);
    const Shape& shape = context.input_shape(i);
    bool fits = shape.rank() == out.rank();
    for (int other = 0; fits && other < out.rank(); ++other)
      fits = other == axis || shape[other] == out[other];
    NQ_CHECK(fits, input, "Concat along axis {} of shapes {} and {}", axis, to_string(context.input_shape(0)),
             to_string(shape));
    out[axis] += shape[axis];
  }
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

class ConcatKernel final : public Kernel {
 public:
  explicit ConcatKernel(std::vector<StridedCopy> parts) : parts_(std::move(parts)) {}
  void run(const KernelArgs& args) const override {
    for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i].run(args.inputs[i].data, args.outputs[0].data);
  }

 private:
  std::vector<StridedCopy> parts_;
};

KernelPtr bind_concat(const OpContext& context) {
  const int axis = concat_axis(context);
  const Shape& out = context.output_type(0).shape;
  const std::vector<std::int64_t> dst = dense_strides(out);
  std::vector<StridedCopy> parts;
  std::int64_t position = 0;
  for (int i = 0; i < context.num_inputs(); ++i) {
    const Shape& shape = context.input_shape(i);
    const std::vector<std::int64_t> src = dense_strides(shape);
    std::vector<CopyAxis> axes;
    for (int k = 0; k < shape.rank(); ++k) axes.push_back({shape[k], src[k], dst[k]});
    parts.emplace_back(axes, element_bytes(context.input_type(0).dtype), 0, position * dst[axis]);
    position += shape[axis];
  }
  return std::make_unique<ConcatKernel>(std::move(parts));
}

}  // namespace

void register_concat(OpRegistry& registry) {
  registry.add({.type = "Concat", .infer = infer_concat, .bind = bind_concat, .promotion = Promotion::none});
}

}  // namespace nq
