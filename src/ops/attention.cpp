#include "kernels/attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/check.hpp"

// Attention (opsets 23, 24, 25): scaled dot-product attention over 4-D heads or packed 3-D inputs,
// with grouped key heads, masks, a causal frontier, windows, softcap and a key-value cache.

namespace nq {
namespace {

enum AttentionInput { kQuery, kKey, kValue, kMask, kPastKey, kPastValue, kValidKeys };
enum AttentionOutput { kOut, kPresentKey, kPresentValue, kScores };

/// Sizes of one Attention node.
struct AttentionShape {
  bool packed = false;  ///< 3-D inputs [batch, rows, heads * dim]
  std::int64_t batch = 0, heads = 0, kv_heads = 0;
  std::int64_t q_rows = 0, new_rows = 0, past_rows = 0;
  std::int64_t dim = 0, v_dim = 0;
  std::int64_t kv_rows() const { return past_rows + new_rows; }
};

/// [batch, heads, rows, dim] of input i.
struct HeadsShape {
  std::int64_t batch, heads, rows, dim;
};

HeadsShape heads_shape(const OpContext& context, int i, std::int64_t heads_if_packed) {
  const Shape& s = context.input_shape(i);
  if (s.rank() == 4) return {s[0], s[1], s[2], s[3]};
  NQ_CHECK(s.rank() == 3, input, "Attention input {} must have 3 or 4 dimensions, got {}", i, to_string(s));
  NQ_CHECK(heads_if_packed > 0 && s[2] % heads_if_packed == 0, input,
           "Attention input {} of shape {} cannot be cut into {} heads", i, to_string(s), heads_if_packed);
  return {s[0], heads_if_packed, s[1], s[2] / heads_if_packed};
}

AttentionShape attention_shape(const OpContext& context) {
  const Node& node = context.node();
  AttentionShape s;
  const int rank = context.input_shape(kQuery).rank();
  s.packed = rank == 3;
  NQ_CHECK(context.input_shape(kKey).rank() == rank && context.input_shape(kValue).rank() == rank, input,
           "Attention inputs Q, K and V differ in rank");
  const HeadsShape q = heads_shape(context, kQuery, attr_int(node, "q_num_heads", 0));
  const HeadsShape k = heads_shape(context, kKey, attr_int(node, "kv_num_heads", 0));
  const HeadsShape v = heads_shape(context, kValue, attr_int(node, "kv_num_heads", 0));
  s.batch = q.batch;
  s.heads = q.heads;
  s.kv_heads = k.heads;
  s.q_rows = q.rows;
  s.new_rows = k.rows;
  s.dim = q.dim;
  s.v_dim = v.dim;
  NQ_CHECK(
      k.batch == q.batch && v.batch == q.batch && k.dim == q.dim && v.rows == k.rows && v.heads == k.heads,
      input, "Attention inputs do not fit together: Q {}, K {}, V {}", to_string(context.input_shape(kQuery)),
      to_string(context.input_shape(kKey)), to_string(context.input_shape(kValue)));
  NQ_CHECK(s.kv_heads > 0 && s.heads % s.kv_heads == 0, input,
           "Attention has {} query heads, which {} key heads do not divide", s.heads, s.kv_heads);
  NQ_CHECK(context.has_input(kPastKey) == context.has_input(kPastValue), input,
           "Attention needs past_key and past_value together");
  if (context.has_input(kPastKey)) {
    const Shape& past = context.input_shape(kPastKey);
    NQ_CHECK(past.rank() == 4, input, "Attention past_key must have 4 dimensions, got {}", to_string(past));
    s.past_rows = past[2];
    NQ_CHECK((past == Shape{s.batch, s.kv_heads, s.past_rows, s.dim}) &&
                 (context.input_shape(kPastValue) == Shape{s.batch, s.kv_heads, s.past_rows, s.v_dim}),
             input, "Attention cache {} and {} does not fit the keys and values", to_string(past),
             to_string(context.input_shape(kPastValue)));
  }
  return s;
}

/// Mask strides aligned to [batch, heads, q_rows, kv_rows]; 0 where the mask repeats.
kernels::AttentionBias mask_layout(const OpContext& context, const AttentionShape& s) {
  kernels::AttentionBias bias;
  if (!context.has_input(kMask)) return bias;
  const Shape& shape = context.input_shape(kMask);
  const std::int64_t sizes[4] = {s.batch, s.heads, s.q_rows, s.kv_rows()};
  std::int64_t* strides[4] = {&bias.batch_stride, &bias.head_stride, &bias.row_stride, &bias.col_stride};
  NQ_CHECK(shape.rank() >= 1 && shape.rank() <= 4, input, "Attention mask has shape {}", to_string(shape));
  bias.col_stride = 0;
  std::int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    const int place = axis + 4 - shape.rank();
    const std::int64_t size = shape[axis];
    // The last axis may stop early; the keys after its end are disabled.
    const bool fits = size == 1 || size == sizes[place] || (place == 3 && size < sizes[3]);
    NQ_CHECK(fits, input, "Attention mask {} does not broadcast to [{},{},{},{}]", to_string(shape), sizes[0],
             sizes[1], sizes[2], sizes[3]);
    if (size != 1) *strides[place] = stride;
    stride *= size;
  }
  // The standard pads a short last axis, of size 1 too, rather than repeating it.
  bias.cols = shape.back();
  return bias;
}

class AttentionKernel final : public Kernel {
 public:
  AttentionKernel(const OpContext& context, const AttentionShape& shape)
      : s_(shape), has_past_(context.has_input(kPastKey)) {
    const Node& node = context.node();
    const float scale = attr_float(node, "scale", 0.0F);
    call_.batch = s_.batch;
    call_.heads = s_.heads;
    call_.kv_heads = s_.kv_heads;
    call_.q_rows = s_.q_rows;
    call_.kv_rows = s_.kv_rows();
    call_.dim = s_.dim;
    call_.v_dim = s_.v_dim;
    call_.scale = has_attr(node, "scale") ? scale : 1.0F / std::sqrt(static_cast<float>(s_.dim));
    call_.softcap = attr_float(node, "softcap", 0.0F);
    call_.bias = mask_layout(context, s_);
    call_.left_window = attr_int(node, "left_window_size", -1);
    call_.right_window = attr_int(node, "right_window_size", -1);
    if (attr_int(node, "is_causal", 0) != 0) call_.right_window = 0;
    call_.offset = s_.past_rows;
    call_.offset_from_valid_keys = context.has_input(kValidKeys);
    call_.score_output = static_cast<kernels::ScoreOutput>(attr_int(node, "qk_matmul_output_mode", 0));
  }

  void run(const KernelArgs& args) const override {
    kernels::Attention call = call_;
    call.q = view_of(args.inputs[kQuery], s_.heads, s_.q_rows, s_.dim);
    call.k = cached(args, kKey, kPastKey, kPresentKey, s_.dim, 0);
    call.v = cached(args, kValue, kPastValue, kPresentValue, s_.v_dim, key_cache_floats(args));
    bind_mask(args, call);
    if (present(args.inputs, kValidKeys)) call.valid_keys = args.inputs[kValidKeys].as<std::int64_t>();
    call.out = args.outputs[kOut].as<float>();
    call.out_row_stride = s_.packed ? s_.heads * s_.v_dim : s_.v_dim;
    call.out_head_stride = s_.packed ? s_.v_dim : s_.q_rows * s_.v_dim;
    call.out_batch_stride = s_.heads * s_.q_rows * s_.v_dim;
    if (present(args.outputs, kScores)) call.scores = args.outputs[kScores].as<float>();
    kernels::attend(call);
  }

  /// Keys and values joined with the cache, for when the node does not output them.
  std::size_t scratch_bytes() const override {
    if (!has_past_) return 0;
    return static_cast<std::size_t>(s_.batch * s_.kv_heads * s_.kv_rows() * (s_.dim + s_.v_dim)) *
           sizeof(float);
  }

 private:
  template <typename Views>
  static bool present(const Views& views, std::size_t i) {
    return views.size() > i && views[i].present();
  }

  std::int64_t key_cache_floats(const KernelArgs& args) const {
    return present(args.outputs, kPresentKey) ? 0 : s_.batch * s_.kv_heads * s_.kv_rows() * s_.dim;
  }

  kernels::HeadsView view_of(const TensorView& input, std::int64_t heads, std::int64_t rows,
                             std::int64_t dim) const {
    const float* data = input.as<float>();
    if (s_.packed) return {data, rows * heads * dim, dim, heads * dim};
    return {data, heads * rows * dim, rows * dim, dim};
  }

  /// The keys (or values) to attend to: the input itself, or cache and input joined.
  kernels::HeadsView cached(const KernelArgs& args, int input, int past, int output, std::int64_t dim,
                            std::int64_t scratch_at) const {
    const kernels::HeadsView fresh = view_of(args.inputs[input], s_.kv_heads, s_.new_rows, dim);
    const bool writes = present(args.outputs, output);
    if (!has_past_ && !writes) return fresh;
    const std::int64_t rows = s_.kv_rows();
    float* joined = writes ? args.outputs[output].as<float>()
                           : reinterpret_cast<float*>(args.scratch.data()) + scratch_at;
    const float* old = has_past_ ? args.inputs[past].as<float>() : nullptr;
    for (std::int64_t index = 0; index < s_.batch * s_.kv_heads; ++index) {
      float* target = joined + index * rows * dim;
      if (old != nullptr) std::copy_n(old + index * s_.past_rows * dim, s_.past_rows * dim, target);
      const float* source = fresh.at(index / s_.kv_heads, index % s_.kv_heads);
      for (std::int64_t row = 0; row < s_.new_rows; ++row) {
        std::copy_n(source + row * fresh.row_stride, dim, target + (s_.past_rows + row) * dim);
      }
    }
    return {joined, s_.kv_heads * rows * dim, rows * dim, dim};
  }

  static void bind_mask(const KernelArgs& args, kernels::Attention& call) {
    if (!present(args.inputs, kMask)) return;
    const TensorView& mask = args.inputs[kMask];
    if (mask.dtype() == DType::boolean) {
      call.bias.allowed = mask.as<std::uint8_t>();
    } else {
      call.bias.values = mask.as<float>();
    }
  }

  AttentionShape s_;
  bool has_past_;
  kernels::Attention call_;
};

void infer_attention(OpContext& context) {
  check_arity(context, {3, 7}, {1, 4});
  for (const int i : {kQuery, kKey, kValue}) check_dtype(context, i, {DType::f32});
  if (context.has_input(kMask)) check_dtype(context, kMask, {DType::f32, DType::boolean});
  if (context.has_input(kValidKeys)) check_dtype(context, kValidKeys, {DType::i64});
  const std::int64_t mode = attr_int(context.node(), "qk_matmul_output_mode", 0);
  NQ_CHECK(mode >= 0 && mode <= 3, input, "Attention qk_matmul_output_mode is {}, not 0 to 3", mode);
  const AttentionShape s = attention_shape(context);
  (void)mask_layout(context, s);
  if (context.has_input(kValidKeys)) {
    NQ_CHECK(context.input_shape(kValidKeys) == Shape{s.batch}, input,
             "Attention nonpad_kv_seqlen has shape {}", to_string(context.input_shape(kValidKeys)));
  }
  context.set_output(kOut, {DType::f32, s.packed ? Shape{s.batch, s.q_rows, s.heads * s.v_dim}
                                                 : Shape{s.batch, s.heads, s.q_rows, s.v_dim}});
  const Shape shapes[4] = {{},
                           {s.batch, s.kv_heads, s.kv_rows(), s.dim},
                           {s.batch, s.kv_heads, s.kv_rows(), s.v_dim},
                           {s.batch, s.heads, s.q_rows, s.kv_rows()}};
  for (int i = 1; i < context.num_outputs(); ++i) {
    if (context.has_output(i)) context.set_output(i, {DType::f32, shapes[i]});
  }
}

KernelPtr bind_attention(const OpContext& context) {
  return std::make_unique<AttentionKernel>(context, attention_shape(context));
}

}  // namespace

void register_attention(OpRegistry& registry) {
  registry.add({"Attention", 23, INT_MAX, infer_attention, bind_attention});
}

}  // namespace nq
