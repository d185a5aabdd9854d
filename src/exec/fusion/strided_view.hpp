#pragma once

#include <optional>
#include <vector>

#include "exec/fusion/fusion_graph.hpp"

namespace nq {

/// A value read as an affine window into the dense bytes of another value: element
/// (i0, i1, ...) lies at offset + sum(i_k * stride_k).
struct StridedView {
  ValueId source;
  std::int64_t offset = 0;
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
  float factor = 1.0F;  ///< scalar that the value is multiplied by on the way

  int rank() const noexcept { return static_cast<int>(sizes.size()); }
};

/// Whether a view looks through scalar factors. What is quantized must be scaled as the file says first.
enum class Factors { collect, stop };

/// Follows reshapes, transposes, splits, gathers, slices, squeezes and scalar factors up from
/// `value` as far as they compose; at worst the dense value itself.
StridedView view_of(const FusionGraph& graph, ValueId value, Factors factors = Factors::collect);

/// The view under another shape, or nothing when its strides do not allow it.
std::optional<StridedView> reshape_view(const StridedView& view, const Shape& shape);

}  // namespace nq
