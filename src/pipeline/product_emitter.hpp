#pragma once

#include "nq/linear_site.hpp"
#include "nq/recipe.hpp"
#include "onnx/edit.hpp"

namespace nq {

/// Writes the QDQ form of an attention product: both operands of its MatMul behind [Clip,]
/// QuantizeLinear and DequantizeLinear, per tensor, which ONNX Runtime runs as one integer product
/// (docs/adr/0013). A product of another float type
/// is computed in float32 between casts. Throws Error(input) when the model has no such product.
void emit_product(ModelEdit& edit, const TypedGraph& typed, const SiteSearch& found,
                  const ProductRecipe& recipe);

}  // namespace nq
