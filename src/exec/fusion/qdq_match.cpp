#include "exec/fusion/qdq_match.hpp"

#include <algorithm>
#include <cmath>

namespace nq {

std::optional<ActivationMatch> QdqMatcher::activation(ValueId value) const {
  const Node* dequantize = graph_.made_by(value, "DequantizeLinear");
  const Node* quantize =
      dequantize == nullptr ? nullptr : graph_.made_by(dequantize->inputs[0], "QuantizeLinear");
  if (quantize == nullptr || quantize->inputs.size() != dequantize->inputs.size()) return std::nullopt;
  const auto scale = graph_.scalar(quantize->inputs[1]);
  if (!scale || graph_.scalar(dequantize->inputs[1]) != scale || !(*scale > 0.0F)) return std::nullopt;
  const auto zero = zero_point(*quantize);
  const DType storage = graph_.type(quantize->outputs.front()).dtype;
  const bool bytes = storage == DType::i8 || storage == DType::u8;
  if (!zero || zero != zero_point(*dequantize) || !bytes || graph_.type(value).dtype != DType::f32)
    return std::nullopt;
  ActivationMatch match{quantize->inputs[0], *scale, *zero, 0, 255};
  if (storage == DType::i8) {
    match.qmin = -128;
    match.qmax = 127;
  }
  absorb_clip(match);
  return graph_.type(match.x).dtype == DType::f32 ? std::optional(match) : std::nullopt;
}

std::optional<WeightMatch> QdqMatcher::weight(ValueId value, bool transposed) const {
  const Node* node = graph_.made_by(value, "DequantizeLinear");
  if (node == nullptr || graph_.type(value).dtype != DType::f32 || graph_.shape(value).rank() != 2)
    return std::nullopt;
  const Tensor* codes = graph_.constant(node->inputs[0]);
  const Tensor* scale = graph_.constant(node->inputs[1]);
  if (codes == nullptr || scale == nullptr || scale->dtype() != DType::f32) return std::nullopt;
  const int column_axis = transposed ? 0 : 1;
  const bool per_column = scale->shape().rank() == 1 && scale->elements() == codes->shape()[column_axis] &&
                          normalize_axis(attr_int(*node, "axis", 1), 2) == column_axis;
  if (scale->elements() != 1 && !per_column) return std::nullopt;
  const auto values = scale->span<float>();
  if (!std::all_of(values.begin(), values.end(), [](float item) { return item > 0.0F; })) return std::nullopt;
  const std::int64_t neutral = codes->dtype() == DType::u8 ? 128 : 0;
  const bool is_signed = codes->dtype() == DType::i8 || codes->dtype() == DType::i4;
  if (!is_signed && codes->dtype() != DType::u8) return std::nullopt;
  if (!all_zero_points_are(*node, neutral)) return std::nullopt;
  return WeightMatch{node->inputs[0], node->inputs[1], neutral};
}

std::optional<std::int64_t> QdqMatcher::zero_point(const Node& node) const {
  if (node.inputs.size() < 3 || !node.inputs[2].valid()) return 0;
  const Tensor* zero = graph_.constant(node.inputs[2]);
  if (zero == nullptr || zero->elements() != 1) return std::nullopt;
  return to_vector<std::int64_t>(zero->view())[0];
}

bool QdqMatcher::all_zero_points_are(const Node& node, std::int64_t wanted) const {
  if (node.inputs.size() < 3 || !node.inputs[2].valid()) return wanted == 0;
  const Tensor* zero = graph_.constant(node.inputs[2]);
  if (zero == nullptr) return false;
  const auto values = to_vector<std::int64_t>(zero->view());
  return std::all_of(values.begin(), values.end(), [wanted](std::int64_t item) { return item == wanted; });
}

/// A Clip whose limits are grid points narrows the code range; any other Clip stays a node.
void QdqMatcher::absorb_clip(ActivationMatch& match) const {
  const Node* clip = graph_.made_by(match.x, "Clip");
  if (clip == nullptr || clip->inputs.size() != 3 || graph_.is_pinned(match.x)) return;
  const auto low = graph_.scalar(clip->inputs[1]);
  const auto high = graph_.scalar(clip->inputs[2]);
  if (!low || !high) return;
  // Compared as floats: a limit may be infinite, or more steps away than an integer holds.
  const auto code = [&](float limit) -> std::optional<float> {
    const float steps = std::nearbyint(limit / match.scale);
    if (steps * match.scale != limit) return std::nullopt;
    return steps + static_cast<float>(match.zero_point);
  };
  const auto qmin = code(*low);
  const auto qmax = code(*high);
  const bool narrower = qmin && qmax && *qmin >= static_cast<float>(match.qmin) && *qmax <= static_cast<float>(match.qmax);
  if (!narrower || *qmin > *qmax) return;
  match.qmin = static_cast<std::int64_t>(*qmin);
  match.qmax = static_cast<std::int64_t>(*qmax);
  match.x = clip->inputs[0];
}

}  // namespace nq
