#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nq/quantize.hpp"
#include "onnx/edit.hpp"
#include "pipeline/affine_fold.hpp"
#include "pipeline/output_changes.hpp"
#include "pipeline/site_groups.hpp"

namespace nq {

/// Most bits of a code that ONNX INT4 holds.
inline constexpr int kInt4Bits = 4;

/// Writes the QDQ form of one group of sites into a model.
///
///   x -> [Mul 1/channel_scale] -> [Add noisy_bias] -> [Clip below 8 bits] -> QuantizeLinear ->
///   DequantizeLinear -> MatMul or Gemm with DequantizeLinear(int8 weight) -> Add(bias')
///
/// The forms are those that ONNX Runtime keeps on int8 kernels for static and dynamic batch: a
/// product of rank 3 or more adds its bias as [1, 1, c_out], one of rank 2 is a Gemm without C
/// and an Add (docs/adr/0003).
class GroupEmitter {
 public:
  GroupEmitter(ModelEdit& edit, const TypedGraph& typed, const BoundGroup& bound, const OutputChanges& changes,
               const EmitOptions& options);

  void emit();

 private:
  const SiteRecipe& shared() const { return *recipes_.front(); }
  const std::string& anchor() const { return group_.leader().origin; }

  bool is_float32() const;
  void restore_type(const LinearSite& site);
  std::string prepare_input();
  std::string gather_patches(const std::string& x);
  void fold_into(const AffineFold& fold, const std::vector<float>& noise);
  std::string apply_affine(std::string x);
  void emit_site(const LinearSite& site, const SiteRecipe& recipe, const std::string& quantized_x);
  std::string emit_weight(const LinearSite& site, const SiteRecipe& recipe, const std::vector<WeightCode>& codes);
  std::string add_codes(const LinearSite& site, const SiteRecipe& recipe, const std::vector<WeightCode>& codes);
  std::string emit_side_path(const LinearSite& site, const SiteRecipe& recipe);
  void emit_matmul(const LinearSite& site, const std::string& x, const std::string& weight, const std::string& side,
                   const std::vector<float>& bias, bool bias_needed);
  void emit_gemm(const LinearSite& site, const std::string& x, const std::string& weight, const std::string& side,
                 const std::vector<float>& bias);
  void emit_patches(const LinearSite& site, const std::string& x, const std::string& weight, const std::string& side,
                    const std::vector<float>& bias);

  std::string add_offset(const std::string& before, const std::string& base, const std::vector<float>& values, int rank);

  /// Inserts `op` before the group's first product; returns its output name.
  std::string insert(const std::string& before, const std::string& op, const std::string& base,
                     std::vector<std::string> inputs, Attributes attributes = {},
                     const std::string& doc = {});

  ModelEdit& edit_;
  const TypedGraph& typed_;
  const SiteGroup& group_;
  const std::vector<const SiteRecipe*>& recipes_;
  const OutputChanges& changes_;
  const EmitOptions& options_;
  std::string raw_x_;  ///< the input before quantization, as the side path reads it
};

}  // namespace nq
