#include "ops/elementwise.hpp"

namespace nq {
namespace {

BinaryShapes legacy_binary_shapes(const OpContext& context) {
  BinaryShapes shapes{context.input_shape(0), context.input_shape(1), context.input_shape(0)};
  const Node& node = context.node();
  if (attr_int(node, "broadcast", 0) == 0) {
    NQ_CHECK(shapes.a == shapes.b, input, "shapes {} and {} differ, and broadcast is 0", to_string(shapes.a),
             to_string(shapes.b));
    return shapes;
  }
  if (has_attr(node, "axis")) {
    const int axis = normalize_axis(attr_int(node, "axis", 0), shapes.a.rank());
    NQ_CHECK(axis + shapes.b.rank() <= shapes.a.rank(), input, "shape {} does not fit into {} at axis {}",
             to_string(shapes.b), to_string(shapes.a), axis);
    while (axis + shapes.b.rank() < shapes.a.rank()) shapes.b.push_back(1);
  }
  NQ_CHECK(shapes.b.rank() <= shapes.a.rank() && broadcast_shape(shapes.a, shapes.b) == shapes.a, input,
           "shape {} does not broadcast to {}", to_string(shapes.b), to_string(shapes.a));
  return shapes;
}

}  // namespace

bool contains(ElementClass elements, DType dtype) noexcept {
  const bool floating = dtype == DType::f32 || dtype == DType::f64;
  if (floating || elements == ElementClass::floats) return floating;
  if (elements == ElementClass::numbers) return is_numeric(dtype);
  return dtype == DType::i8 || dtype == DType::i16 || dtype == DType::i32 || dtype == DType::i64;
}

void infer_same_type(OpContext& context, ElementClass elements) {
  check_arity(context, {1, 1});
  if (!contains(elements, context.input_type(0).dtype)) fail_dtype(context, 0);
  context.set_output(0, context.input_type(0));
}

BinaryShapes binary_shapes(const OpContext& context) {
  if (context.opset() < 7) return legacy_binary_shapes(context);
  const Shape& a = context.input_shape(0);
  const Shape& b = context.input_shape(1);
  return {a, b, broadcast_shape(a, b)};
}

int binary_in_place_input(const OpContext& context) {
  const TensorType& out = context.output_type(0);
  if (context.input_type(0) == out) return 0;
  return context.input_type(1) == out ? 1 : -1;
}

}  // namespace nq
