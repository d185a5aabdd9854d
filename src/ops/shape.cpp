#include <algorithm>
#include <cstring>

#include "ops/arguments.hpp"
#include "ops/broadcast.hpp"
#include "ops/convert.hpp"
#include "ops/onnx_dtype.hpp"
#include "ops/strided_copy.hpp"

// Operators whose results follow from shapes, attributes and constants alone.

namespace nq {
namespace {

/// Writes a tensor that was known when the node was bound.
class StoredKernel final : public Kernel {
 public:
  explicit StoredKernel(Tensor value) : value_(std::move(value)) {}
  void run(const KernelArgs& args) const override {
    if (value_.bytes() != 0) std::memcpy(args.outputs[0].data, value_.data(), value_.bytes());
  }

 private:
  Tensor value_;
};

KernelPtr stored(Tensor value) { return std::make_unique<StoredKernel>(std::move(value)); }

/// Dimensions [start, end) of the input's shape; the attributes exist since opset 15.
std::vector<std::int64_t> shape_range(const OpContext& context) {
  const Shape& shape = context.input_shape(0);
  const std::int64_t rank = shape.rank();
  const auto bound = [&](std::string_view name, std::int64_t fallback) {
    const std::int64_t given = context.opset() < 15 ? fallback : attr_int(context.node(), name, fallback);
    return std::clamp<std::int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  const std::int64_t start = bound("start", 0);
  const std::int64_t end = std::max(start, bound("end", rank));
  return {shape.begin() + start, shape.begin() + end};
}

void infer_shape(OpContext& context) {
  check_arity(context, {1, 1});
  context.set_output(0, {DType::i64, {static_cast<std::int64_t>(shape_range(context).size())}});
}

KernelPtr bind_shape(const OpContext& context) {
  return stored(Tensor::of(context.output_type(0).shape, shape_range(context)));
}

void infer_size(OpContext& context) {
  check_arity(context, {1, 1});
  context.set_output(0, {DType::i64, {}});
}

KernelPtr bind_size(const OpContext& context) {
  return stored(Tensor::scalar(context.input_shape(0).elements()));
}

template <typename T>
Tensor list_tensor(const std::vector<T>& values) {
  return Tensor::of({static_cast<std::int64_t>(values.size())}, values);
}

/// The one value attribute of Constant; opset 12 adds the forms beside `value`.
Tensor constant_value(const OpContext& context) {
  const Node& node = context.node();
  const auto count = std::count_if(node.attributes.begin(), node.attributes.end(), [](const auto& attribute) {
    return attribute.first.starts_with("value") || attribute.first == "sparse_value";
  });
  NQ_CHECK(count == 1, input, "Constant has {} values, expected one", count);
  if (const Tensor* value = attr_tensor(node, "value")) return *value;
  if (has_attr(node, "value_float")) return Tensor::scalar(attr_float(node, "value_float", 0));
  if (has_attr(node, "value_int")) return Tensor::scalar(attr_int(node, "value_int", 0));
  if (has_attr(node, "value_floats")) return list_tensor(attr_floats(node, "value_floats"));
  if (has_attr(node, "value_ints")) return list_tensor(attr_ints(node, "value_ints"));
  if (has_attr(node, "value_string")) return Tensor::of_strings({}, {attr_string(node, "value_string", {})});
  if (has_attr(node, "value_strings")) {
    std::vector<std::string> values = attr_strings(node, "value_strings");
    return Tensor::of_strings({static_cast<std::int64_t>(values.size())}, std::move(values));
  }
  fail(ErrorKind::unsupported, "a sparse Constant is not implemented");
}

void infer_constant(OpContext& context) {
  check_arity(context, {0, 0});
  context.set_output(0, constant_value(context).type());
}

KernelPtr bind_constant(const OpContext& context) {
  Tensor value = constant_value(context);
  NQ_CHECK(value.dtype() != DType::string, unsupported, "a string Constant cannot be computed with");
  return stored(std::move(value));
}

/// Writes one element everywhere.
class FillKernel final : public Kernel {
 public:
  explicit FillKernel(Tensor element) : element_(std::move(element)) {}
  void run(const KernelArgs& args) const override {
    const std::size_t bytes = element_bytes(element_.dtype());
    parallel_elements(args.outputs[0].elements(), [&](std::int64_t begin, std::int64_t end) {
      fill_elements(args.outputs[0].data + begin * bytes, element_.data(), end - begin, bytes);
    });
  }

 private:
  Tensor element_;
};

/// Attribute value has one element; float32 zero when omitted.
Tensor fill_value(const OpContext& context) {
  const Tensor* value = attr_tensor(context.node(), "value");
  if (value == nullptr) return Tensor::scalar(0.0F);
  NQ_CHECK(value->elements() == 1, input, "ConstantOfShape has a value of shape {}, expected one element",
           to_string(value->shape()));
  NQ_CHECK(value->dtype() != DType::string, unsupported, "ConstantOfShape of strings is not implemented");
  return *value;
}

void infer_constant_of_shape(OpContext& context) {
  check_arity(context, {1, 1});
  context.set_output(0, {fill_value(context).dtype(), Shape(constant_ints(context, 0))});
}

KernelPtr bind_constant_of_shape(const OpContext& context) {
  return std::make_unique<FillKernel>(fill_value(context));
}

DType eye_dtype(const OpContext& context) {
  if (!has_attr(context.node(), "dtype")) return context.input_type(0).dtype;
  return dtype_from_onnx(attr_int(context.node(), "dtype", 0));
}

/// Zeros of the input's shape [rows, cols] with ones at (row, row + k).
void infer_eye_like(OpContext& context) {
  check_arity(context, {1, 1});
  NQ_CHECK(context.input_shape(0).rank() == 2, input, "EyeLike takes a matrix, got {}",
           to_string(context.input_shape(0)));
  const DType dtype = eye_dtype(context);
  NQ_CHECK(dtype != DType::string, unsupported, "EyeLike of strings is not implemented");
  context.set_output(0, {dtype, context.input_shape(0)});
}

class EyeKernel final : public Kernel {
 public:
  EyeKernel(std::int64_t diagonal, Tensor one) : diagonal_(diagonal), one_(std::move(one)) {}
  void run(const KernelArgs& args) const override {
    const MutableTensorView& out = args.outputs[0];
    const std::int64_t rows = out.shape()[0];
    const std::int64_t cols = out.shape()[1];
    const std::size_t bytes = one_.bytes();
    if (rows == 0 || cols == 0) return;
    std::memset(out.data, 0, out.type->bytes());
    const std::int64_t k = std::clamp(diagonal_, -rows, cols);
    for (std::int64_t row = std::max<std::int64_t>(0, -k); row < rows && row + k < cols; ++row) {
      std::memcpy(out.data + (row * cols + row + k) * bytes, one_.data(), bytes);
    }
  }

 private:
  std::int64_t diagonal_;
  Tensor one_;
};

KernelPtr bind_eye_like(const OpContext& context) {
  Tensor one(TensorType{context.output_type(0).dtype, {}});
  const float value = 1.0F;
  find_converter(DType::f32, one.dtype())(reinterpret_cast<const std::byte*>(&value), one.mutable_data(), 1);
  return std::make_unique<EyeKernel>(attr_int(context.node(), "k", 0), std::move(one));
}

}  // namespace

void register_shape(OpRegistry& registry) {
  const auto add = [&](std::string_view type, int since, auto infer, auto bind) {
    registry.add({.type = type, .since = since, .infer = infer, .bind = bind, .promotion = Promotion::none});
  };
  add("Shape", 1, infer_shape, bind_shape);
  add("Size", 1, infer_size, bind_size);
  add("Constant", 1, infer_constant, bind_constant);
  add("ConstantOfShape", 9, infer_constant_of_shape, bind_constant_of_shape);
  add("EyeLike", 9, infer_eye_like, bind_eye_like);
}

}  // namespace nq
