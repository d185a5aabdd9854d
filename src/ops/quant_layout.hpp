#pragma once

#include <cstdint>

#include "nq/op.hpp"

namespace nq {

/// Consecutive elements of a tensor and the quantization parameters they use.
struct QuantRun {
  std::int64_t scale_index = 0;  ///< of the first element
  std::int64_t scale_step = 0;   ///< 1 when each element has the next scale, else 0
  std::int64_t length = 0;
};

/// Which scale belongs to which element: per tensor, per axis, or blocked along an axis.
///
/// Source: ONNX QuantizeLinear and DequantizeLinear, opsets 10 to 25, "granularity".
class QuantLayout {
 public:
  /// Reads input 0 (the tensor), input 1 (scale), optional input 2 (zero point), `axis` and
  /// `block_size`. Throws Error(input) when the shapes do not fit together.
  explicit QuantLayout(const OpContext& context);

  /// The run that starts at element `position` of the dense tensor; it must be inside.
  QuantRun run_at(std::int64_t position) const;

  /// Elements of the scale tensor.
  std::int64_t scale_count() const noexcept { return scale_count_; }

 private:
  enum class Granularity { per_tensor, per_axis, blocked };

  void set_axis(const OpContext& context);
  void check_blocks(const OpContext& context, int axis);

  Granularity granularity_ = Granularity::per_tensor;
  std::int64_t elements_ = 0;
  std::int64_t axis_size_ = 1;
  std::int64_t inner_ = 1;  ///< elements per index of the axis
  std::int64_t block_ = 1;
  std::int64_t blocks_ = 1;  ///< scales along the axis
  std::int64_t scale_count_ = 1;
};

/// Scales and zero points of one kernel call as float32, which holds every zero point exactly up
/// to 16 bits. Converted into scratch memory where the tensors are not float32 themselves.
class QuantParameters {
 public:
  /// `layout` gives the count; `scratch` has at least scratch_bytes(layout).
  QuantParameters(const QuantLayout& layout, const KernelArgs& args);
  static std::size_t scratch_bytes(const QuantLayout& layout);

  const float* scales() const noexcept { return scales_; }
  /// Zeros when the node has no zero point.
  const float* zero_points() const noexcept { return zero_points_; }

 private:
  const float* scales_;
  const float* zero_points_;
};

}  // namespace nq
