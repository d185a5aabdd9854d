#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nq/linear_site.hpp"

namespace nq {

/// Where the channels of an attention operand come from: operand[head, ..., channel] is
/// factor * (output channel `channel[head * dim + ...]` of a linear layer).
struct OperandSource {
  std::string site_origin;            ///< LinearSite::origin
  std::vector<std::int32_t> channel;  ///< [heads * dim]
  float factor = 1.0F;
};

/// Follows operands of attention up to the linear layers that make them.
class OperandTracer {
 public:
  explicit OperandTracer(const TypedGraph& typed, const SiteSearch& found);
  ~OperandTracer();

  /// The source of `operand` ([..., heads, rows, dim], or [..., heads, dim, rows] when `transposed`), or
  /// nothing when more than moving elements and scalar factors lies between, or when anything but
  /// products of attention reads the layer's output.
  std::optional<OperandSource> trace(ValueId operand, bool transposed) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nq
