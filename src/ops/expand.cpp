#include "ops/arguments.hpp"
#include "ops/broadcast.hpp"
#include "ops/strided_copy.hpp"

namespace nq {
namespace {

/// Output shape is the two-way broadcast of the input's shape and the list `shape`.
void infer_expand(OpContext& context) {
  check_arity(context, {2, 2});
  check_movable(context, 0);
  const Shape target(constant_ints(context, 1));
  (void)target.elements();
  Shape out = broadcast_shape(context.input_shape(0), target);
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

KernelPtr bind_expand(const OpContext& context) {
  const Shape& from = context.input_shape(0);
  const Shape& out = context.output_type(0).shape;
  const std::vector<std::int64_t> src = dense_strides(from);
  const std::vector<std::int64_t> dst = dense_strides(out);
  const int added = out.rank() - from.rank();
  std::vector<CopyAxis> axes;
  for (int k = 0; k < out.rank(); ++k) {
    const bool repeated = k < added || from[k - added] == 1;
    axes.push_back({out[k], repeated ? 0 : src[k - added], dst[k]});
  }
  return make_copy_kernel(StridedCopy(axes, element_bytes(context.input_type(0).dtype)));
}

/// Opset 1 repeats one axis (inputs tiles, axis); opset 6 has one count per axis.
std::vector<std::int64_t> repeats(const OpContext& context) {
  const int rank = context.input_shape(0).rank();
  if (context.opset() >= 6) return constant_ints(context, 1);
  // Opset 1 gives both arguments in the type of the data.
  const auto scalar = [&](int i) {
    const std::vector<std::int64_t> values = to_vector<std::int64_t>(context.require_constant(i).view());
    NQ_CHECK(values.size() == 1, input, "Tile input {} must be one number, got {}", i, values.size());
    return values.front();
  };
  std::vector<std::int64_t> counts(static_cast<std::size_t>(rank), 1);
  counts[normalize_axis(scalar(2), rank)] = scalar(1);
  return counts;
}

void infer_tile(OpContext& context) {
  const int inputs = context.opset() < 6 ? 3 : 2;
  check_arity(context, {inputs, inputs});
  check_movable(context, 0);
  const Shape& from = context.input_shape(0);
  const std::vector<std::int64_t> counts = repeats(context);
  NQ_CHECK(static_cast<int>(counts.size()) == from.rank(), input, "Tile has {} repeats for rank {}",
           counts.size(), from.rank());
  Shape out = from;
  for (int k = 0; k < from.rank(); ++k) {
    NQ_CHECK(counts[k] >= 0, input, "Tile repeats axis {} {} times", k, counts[k]);
    NQ_CHECK(from[k] == 0 || counts[k] <= kMaxElements / from[k], resource, "Tile repeats axis {} {} times",
             k, counts[k]);
    out[k] = from[k] * counts[k];
  }
  context.set_output(0, {context.input_type(0).dtype, std::move(out)});
}

KernelPtr bind_tile(const OpContext& context) {
  const Shape& from = context.input_shape(0);
  const std::vector<std::int64_t> src = dense_strides(from);
  const std::vector<std::int64_t> dst = dense_strides(context.output_type(0).shape);
  const std::vector<std::int64_t> counts = repeats(context);
  std::vector<CopyAxis> axes;
  for (int k = 0; k < from.rank(); ++k) {
    axes.push_back({counts[k], 0, dst[k] * from[k]});
    axes.push_back({from[k], src[k], dst[k]});
  }
  return make_copy_kernel(StridedCopy(axes, element_bytes(context.input_type(0).dtype)));
}

}  // namespace

void register_expand(OpRegistry& registry) {
  registry.add({.type = "Expand", .infer = infer_expand, .bind = bind_expand, .promotion = Promotion::none});
  registry.add({.type = "Tile", .infer = infer_tile, .bind = bind_tile, .promotion = Promotion::none});
}

}  // namespace nq
