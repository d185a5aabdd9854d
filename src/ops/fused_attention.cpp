#include <vector>

#include "kernels/attention.hpp"
#include "ops/check.hpp"

// FusedAttention of the internal domain "nq": softmax(scale * Q K^T + addends) V for every batch
// and head, reading Q, K and V in place wherever reshapes, transposes, splits and gathers put them.
// A graph pass reduces those to one layout per operand; the node never reaches a file.
//
// Inputs: q, k, v (any shape; often the same value), up to two addends.
// Attributes, strides and offsets in elements, unit stride along the head dimension:
//   dims       [batch, heads, kv_heads, q_rows, kv_rows, dim, v_dim]
//   q_layout, k_layout, v_layout       [offset, batch stride, head stride, row stride]
//   out_shape  shape of the output;  out_layout  [batch stride, head stride, row stride]
//   addend0_layout, addend1_layout     [batch period, batch, head, row, column stride]
//   scale      factor of the scores
//   grid_scales [q, k, weights, v] and grid_codes (zero point, qmin, qmax of each): quantizers of both
//              products' operands, whose products are then integer ones; absent for float products

namespace nq {
namespace {

enum FusedInput { kQuery, kKey, kValue, kFirstAddend };

std::vector<std::int64_t> ints_of(const OpContext& context, std::string_view name, std::size_t count) {
  std::vector<std::int64_t> values = attr_ints(context.node(), name);
  NQ_CHECK(values.size() == count, input, "FusedAttention attribute {} has {} values, not {}", name,
           values.size(), count);
  return values;
}

/// One axis of a walk: its length and stride.
struct Axis {
  std::int64_t size, stride;
};

/// Throws Error(input) unless offset and all last positions together stay below `elements`.
void check_reach(std::int64_t elements, std::int64_t offset, std::initializer_list<Axis> axes) {
  // In double: products of hostile strides overflow 64 bits, and rounding only matters far outside.
  double reach = static_cast<double>(offset);
  for (const Axis& axis : axes) {
    reach += static_cast<double>(axis.size - 1) * static_cast<double>(axis.stride);
  }
  NQ_CHECK(reach < static_cast<double>(elements), input, "FusedAttention layout leaves its {} elements",
           elements);
}

kernels::HeadsView layout_of(const OpContext& context, std::string_view name, std::int64_t* offset) {
  const auto values = ints_of(context, name, 4);
  *offset = values[0];
  return {nullptr, values[1], values[2], values[3]};
}

std::optional<kernels::AttentionGrids> grids_of(const OpContext& context) {
  if (!has_attr(context.node(), "grid_scales")) return std::nullopt;
  const auto scales = attr_floats(context.node(), "grid_scales");
  const auto codes = ints_of(context, "grid_codes", 12);
  NQ_CHECK(scales.size() == 4, input, "FusedAttention has {} grid scales, not 4", scales.size());
  const auto grid = [&](std::size_t index) {
    const std::int64_t zero = codes[3 * index], qmin = codes[3 * index + 1], qmax = codes[3 * index + 2];
    const bool fits = qmin <= qmax && (qmin >= 0 ? qmax <= 255 : qmin >= -128 && qmax <= 127);
    NQ_CHECK(fits && zero >= -128 && zero <= 255 && scales[index] > 0.0F, input,
             "FusedAttention grid {}..{} with zero point {} and scale {}", qmin, qmax, zero, scales[index]);
    return kernels::ActivationGrid{scales[index], static_cast<std::int32_t>(zero), static_cast<std::int32_t>(qmin),
                                   static_cast<std::int32_t>(qmax)};
  };
  return kernels::AttentionGrids{grid(0), grid(1), grid(2), grid(3)};
}

/// The call with everything but the data pointers.
struct FusedCall {
  kernels::Attention attention;
  std::int64_t offsets[3] = {};
};

FusedCall fused_call(const OpContext& context) {
  FusedCall call;
  kernels::Attention& a = call.attention;
  const auto dims = ints_of(context, "dims", 7);
  a.batch = dims[0];
  a.heads = dims[1];
  a.kv_heads = dims[2];
  a.q_rows = dims[3];
  a.kv_rows = dims[4];
  a.dim = dims[5];
  a.v_dim = dims[6];
  NQ_CHECK(a.kv_heads > 0 && a.heads % a.kv_heads == 0, input, "FusedAttention has {} heads over {}", a.heads,
           a.kv_heads);
  (void)Shape{a.kv_rows, a.dim + a.v_dim}.elements();
  a.q = layout_of(context, "q_layout", &call.offsets[kQuery]);
  a.k = layout_of(context, "k_layout", &call.offsets[kKey]);
  a.v = layout_of(context, "v_layout", &call.offsets[kValue]);
  const auto check = [&](int input, const kernels::HeadsView& view, std::int64_t heads, std::int64_t rows,
                         std::int64_t dim) {
    check_reach(context.input_shape(input).elements(), call.offsets[input],
                {{a.batch, view.batch_stride}, {heads, view.head_stride}, {rows, view.row_stride}, {dim, 1}});
  };
  check(kQuery, a.q, a.heads, a.q_rows, a.dim);
  check(kKey, a.k, a.kv_heads, a.kv_rows, a.dim);
  check(kValue, a.v, a.kv_heads, a.kv_rows, a.v_dim);
  const auto out = ints_of(context, "out_layout", 3);
  a.out_batch_stride = out[0];
  a.out_head_stride = out[1];
  a.out_row_stride = out[2];
  const Shape out_shape(attr_ints(context.node(), "out_shape"));
  const Shape wanted{a.batch, a.heads, a.q_rows, a.v_dim};
  NQ_CHECK(out_shape.elements() == wanted.elements(), input, "FusedAttention output has shape {}",
           to_string(out_shape));
  check_reach(out_shape.elements(), 0,
              {{a.batch, out[0]}, {a.heads, out[1]}, {a.q_rows, out[2]}, {a.v_dim, 1}});
  a.scale = attr_float(context.node(), "scale", 1.0F);
  a.grids = grids_of(context);
  for (int i = 0; kFirstAddend + i < context.num_inputs(); ++i) {
    const auto layout = ints_of(context, i == 0 ? "addend0_layout" : "addend1_layout", 5);
    a.addends[static_cast<std::size_t>(i)] = {nullptr, layout[0], layout[1], layout[2], layout[3], layout[4]};
    NQ_CHECK(layout[0] > 0, input, "FusedAttention addend period is {}", layout[0]);
    check_reach(
        context.input_shape(kFirstAddend + i).elements(), 0,
        {{layout[0], layout[1]}, {a.heads, layout[2]}, {a.q_rows, layout[3]}, {a.kv_rows, layout[4]}});
  }
  return call;
}

class FusedAttention final : public Kernel {
 public:
  explicit FusedAttention(const FusedCall& call) : call_(call) {}

  void run(const KernelArgs& args) const override {
    kernels::Attention a = call_.attention;
    a.q.data = args.inputs[kQuery].as<float>() + call_.offsets[kQuery];
    a.k.data = args.inputs[kKey].as<float>() + call_.offsets[kKey];
    a.v.data = args.inputs[kValue].as<float>() + call_.offsets[kValue];
    for (std::size_t i = 0; kFirstAddend + i < args.inputs.size(); ++i) {
      a.addends[i].values = args.inputs[kFirstAddend + i].as<float>();
    }
    a.out = args.outputs[0].as<float>();
    kernels::attend(a);
  }

 private:
  FusedCall call_;
};

void infer_fused_attention(OpContext& context) {
  check_arity(context, {3, 5});
  for (int i = 0; i < context.num_inputs(); ++i) check_dtype(context, i, {DType::f32});
  (void)fused_call(context);
  context.set_output(0, {DType::f32, Shape(attr_ints(context.node(), "out_shape"))});
}

KernelPtr bind_fused_attention(const OpContext& context) {
  return std::make_unique<FusedAttention>(fused_call(context));
}

}  // namespace

void register_fused_attention(OpRegistry& registry) {
  registry.add({"FusedAttention", 1, INT_MAX, infer_fused_attention, bind_fused_attention,
                Promotion::compute_in_f32, "nq"});
}

}  // namespace nq
