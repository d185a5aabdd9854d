#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nq/attention_site.hpp"
#include "nq/typed_graph.hpp"

namespace nq {

enum class SiteKind {
  matmul,      ///< MatMul with a constant right operand, optional Add of a constant vector
  gemm,        ///< Gemm with a constant B, any transposes
  conv_patch,  ///< Conv whose stride equals its kernel: a linear layer over patches
};
std::string_view to_string(SiteKind kind) noexcept;

/// Role of a site in the network; patch embedding and classifier head are left float by default.
enum class SiteRole { block, patch_embed, head };
std::string_view to_string(SiteRole role) noexcept;

/// One linear layer y = x W + b of a model.
struct LinearSite {
  std::string name;    ///< display name of the product node
  std::string origin;  ///< first output name of the product node in the user's file
  SiteKind kind = SiteKind::matmul;
  SiteRole role = SiteRole::block;
  NodeId node;                       ///< the product
  std::optional<NodeId> bias_node;   ///< the Add, when the bias is added by its own node
  int bias_input = -1;               ///< which input of bias_node (or of a Gemm/Conv) is the bias
  ValueId x;                         ///< activation input
  bool x_transposed = false;         ///< Gemm with transA: x is [c_in, tokens]
  Tensor weight;                     ///< as the product reads it; float32
  bool weight_transposed = false;    ///< true: stored [c_out, c_in]
  float alpha = 1.0F;                ///< factor of a Gemm's product
  std::optional<std::vector<float>> bias;  ///< [c_out], a Gemm's beta applied
  std::int64_t c_in = 0;
  std::int64_t c_out = 0;
  std::int64_t tokens = 0;           ///< rows of the product at the planned batch size
  int input_rank = 0;
  std::string input_from;            ///< operator that feeds x: "LayerNormalization", "Gelu", ...

  std::int64_t parameters() const noexcept { return c_in * c_out + (bias ? c_out : 0); }
  std::int64_t macs() const noexcept { return tokens * c_in * c_out; }

  /// Weight as [c_in, c_out] row-major, alpha applied. For a patch convolution c_in runs over
  /// (channel, kernel row, kernel column).
  std::vector<float> weight_matrix() const;

  /// Rows of the layer's input as the product sees them, [tokens, c_in] row-major, from the value
  /// x: the identity for a product over the last axis, patches for a convolution.
  std::vector<float> input_rows(const TensorView& x_value) const;
};

/// Why a product is neither a linear layer nor one of attention.
struct RejectedProduct {
  std::string name;
  std::string reason;
};

struct SiteSearch {
  std::vector<LinearSite> sites;         ///< in execution order
  std::vector<AttentionSite> attention;  ///< in execution order
  std::vector<RejectedProduct> rejected;
};

/// Finds every linear layer and every attention by structure, whatever names the exporter gave.
SiteSearch find_linear_sites(const TypedGraph& graph);

}  // namespace nq
