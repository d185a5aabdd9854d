#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nq/typed_graph.hpp"
#include "pipeline/column_map.hpp"
#include "pipeline/output_changes.hpp"

namespace nq {

/// How the elements of a value of a written model differ by design from those of the same name in the float model:
/// value = original / scale + shift, by the column of the changed layer that each element was taken from.
struct ElementChange {
  const OutputChange* change = nullptr;
  ColumnMap columns;
  float factor = 1.0F;  ///< scalars multiplied in on the way, which the shift took part in

  /// Both take a value, or the images at its beginning.
  void apply(std::span<float> values) const;
  void undo(std::span<float> values) const;
};

/// Scores Q (K + shift)^T: all scores of a query differ by Q shift^T, which the Softmax does not see.
struct KeyShift {
  ValueId queries;           ///< the left operand of the product, as the product reads it
  std::vector<float> shift;  ///< [slices, dim]
  std::int64_t dim = 0;      ///< channels of a head
  std::int64_t rows = 0;     ///< queries of a slice
  std::int64_t keys = 0;

  /// Takes Q shift^T off the scores; `query_rows` are those of the same slices.
  void undo(std::span<float> scores, std::span<const float> query_rows) const;
};

/// What is known of one value.
struct ValueChange {
  std::optional<ElementChange> elements;
  std::optional<KeyShift> keys;
  std::string gap;  ///< not empty: it differs, and this is why nothing says how
};

/// Follows the changed outputs of layers to everything that carries them: moved elements, quantizers, scalar factors,
/// and the products of attention. A layer with a constant weight expects the change and ends it. `roots` are the
/// outputs of the changed layers; `wanted` the values to tell about. Values that mean the same are not in the result.
std::map<ValueId, ValueChange> find_value_changes(const TypedGraph& other, const std::map<ValueId, const OutputChange*>& roots,
                                                  const std::vector<ValueId>& wanted);

}  // namespace nq
