#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nq/attention_site.hpp"
#include "nq/method.hpp"
#include "nq/quant_params.hpp"
#include "nq/types.hpp"

namespace nq {

/// Quantization of one linear layer as stored in a recipe.
struct SiteRecipe {
  std::string name;    ///< for people
  std::string origin;  ///< key into the model: first output name of the product node
  int group = 0;       ///< sites of one group read the same value and share its quantizer
  std::int64_t c_in = 0;
  std::int64_t c_out = 0;
  QuantParams activation;                 ///< per tensor
  QuantParams weight;                     ///< per channel, axis 1 of [c_in, c_out]
  std::vector<WeightCode> weight_codes;  ///< [c_in, c_out]; empty: quantize(weight * channel_scale)
  std::vector<float> noisy_bias;          ///< N, [c_in]; empty for none
  double noise_mean = 0;
  double noise_amplitude = 0;
  std::vector<float> bias_correction;     ///< [c_out]; empty for none
  std::vector<float> channel_scale;       ///< [c_in]; empty for none
  std::vector<std::int32_t> outlier_channels;  ///< channels computed in float beside the product
  /// The emitted layer's output is divided by output_scale, then output_shift is added, [c_out] each,
  /// both carried by weight scales and bias: what quantized products of attention ask of the layers
  /// that make their operands. Empty for none.
  std::vector<float> output_scale;
  std::vector<float> output_shift;
  std::vector<StageLoss> stages;          ///< loss of the group's output, stage by stage
};

/// Quantization of one product of two activations.
struct ProductRecipe {
  std::string name;    ///< for people
  std::string origin;  ///< key into the model: first output name of the MatMul
  ProductRole role = ProductRole::scores;
  QuantParams left;    ///< per tensor: Q, or the probabilities
  QuantParams right;   ///< per tensor: K, or V
  std::vector<StageLoss> stages;  ///< loss of the attention's output, stage by stage
};

/// Key of Recipe::options for CalibrationOptions::float32: "true" or absent.
inline constexpr const char* kFloat32Option = "float32";

struct SkippedSite {
  std::string name;
  std::string reason;
};

/// Everything needed to write the quantized model again: the contract between search and writer.
struct Recipe {
  static constexpr int kSchema = 2;  ///< 1 had no products
  std::string tool_version;
  std::string model_sha256;
  std::string method;
  std::map<std::string, std::string> options;  ///< as given or defaulted, for people and replay
  std::string preprocess;                      ///< JSON text of the preprocessing
  std::map<std::string, Shape> input_shapes;   ///< at batch 1, for the structural search
  std::int64_t calibration_images = 0;
  std::uint64_t seed = 0;
  std::string image_list_sha256;
  std::string evaluation;  ///< JSON text of an EvaluationRecord of the written file; empty for none
  std::vector<SiteRecipe> sites;  ///< in execution order
  std::vector<ProductRecipe> products;  ///< in execution order
  std::vector<SkippedSite> skipped;
};

/// Readable JSON, floats in their shortest exact form; the same recipe gives the same text. Codes of at most 8 bits.
std::string recipe_to_json(const Recipe& recipe);

/// Throws Error(input) naming the key that is missing, unknown in type, or inconsistent.
Recipe recipe_from_json(const std::string& text, const std::string& source);

Recipe load_recipe(const std::filesystem::path& path);
void save_recipe(const std::filesystem::path& path, const Recipe& recipe);

}  // namespace nq
