#pragma once

#include <optional>

#include "exec/fusion/fusion_graph.hpp"

namespace nq {

/// A value that went through QuantizeLinear and DequantizeLinear of one constant quantizer.
struct ActivationMatch {
  ValueId x;  ///< in front of the quantizer
  float scale = 0;
  std::int64_t zero_point = 0, qmin = 0, qmax = 0;
};

/// A weight behind DequantizeLinear: int8 or int4 codes with zero point 0, or uint8 ones with 128.
struct WeightMatch {
  ValueId codes, scale;
  std::int64_t zero_point = 0;
};

/// Recognises the two halves of QDQ groups.
class QdqMatcher {
 public:
  explicit QdqMatcher(const FusionGraph& graph) : graph_(graph) {}

  /// Per tensor and in bytes. A Clip in front whose limits are grid points narrows the code range.
  std::optional<ActivationMatch> activation(ValueId value) const;

  /// A matrix [depth, columns], or [columns, depth] when `transposed`, with one scale or one per column.
  std::optional<WeightMatch> weight(ValueId value, bool transposed) const;

 private:
  std::optional<std::int64_t> zero_point(const Node& node) const;
  bool all_zero_points_are(const Node& node, std::int64_t wanted) const;
  void absorb_clip(ActivationMatch& match) const;

  const FusionGraph& graph_;
};

}  // namespace nq
