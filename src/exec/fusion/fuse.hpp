#pragma once

#include <vector>

#include "exec/fusion/fusion_graph.hpp"
#include "nq/typed_graph.hpp"

namespace nq {

/// Rewrites groups of nodes into single ones with the same meaning, in the order of the list in
/// fuse.cpp. `pinned` values keep their names and bytes.
///
/// Float results may differ from the unfused graph by rounding where a decomposed GELU or
/// LayerNormalization or an attention is recognised, and where integer products replace the float
/// products of a QDQ group; products with bias and residual keep their bits.
void fuse(TypedGraph& typed, const std::vector<bool>& pinned);

/// Before: ReduceMean, Sub, Pow, ReduceMean, Add, Sqrt, Div, Mul, Add. After: LayerNormalization.
void fuse_layer_norm(FusionGraph& graph);

/// Before: Div or Mul, Erf, Add, Mul, Mul. After: Gelu.
void fuse_gelu(FusionGraph& graph);

/// Before: [Clip,] QuantizeLinear, DequantizeLinear, MatMul or Gemm with DequantizeLinear(weight),
/// [Add bias,] [Gelu,] [Add residual]. After: QuantizedMatMul.
void fuse_quantized_product(FusionGraph& graph);

/// Before: MatMul or Gemm with a constant, [Add bias,] [Gelu,] [Add residual]. After: FusedMatMul.
void fuse_product(FusionGraph& graph);

/// Before: views, MatMul, [scale,] [Add, also between Reshapes of the batch axes,] Softmax, MatMul, Transpose; all four
/// operands of the products plain, or all behind quantizers. After: FusedAttention.
void fuse_attention(FusionGraph& graph);

/// Before: Conv over patches, Reshape, Transpose. After: PatchEmbed.
void fuse_patch_embed(FusionGraph& graph);

}  // namespace nq
