#pragma once

#include <filesystem>
#include <string>

#include "nq/quantize.hpp"

namespace nq {

/// Bits of a recipe's weights and layer inputs.
struct RecipeBits {
  int weights = 8;
  int activations = 8;
};

/// Taken from the recipe's first layer. Throws Error(input) when it has none.
RecipeBits recipe_bits(const Recipe& recipe);

/// "<stem of model>_w6a6.onnx" in the current folder.
std::filesystem::path default_output(const std::filesystem::path& model, RecipeBits bits);

/// "<output without .onnx>.recipe.json".
std::filesystem::path default_recipe(const std::filesystem::path& output);

/// Key of Recipe::options for EmitOptions::fold_noise, so that a recipe gives the same bytes again.
inline constexpr const char* kFoldOption = "fold";

/// Key of Recipe::options for EmitOptions::int16_offsets: "int16" or absent.
inline constexpr const char* kNoiseTypeOption = "noise_dtype";

/// Key of Recipe::options for EmitOptions::int4_weights: "int4" or absent.
inline constexpr const char* kWeightStorageOption = "weight_storage";

/// How the recipe's model is written.
EmitOptions emit_options(const Recipe& recipe);

}  // namespace nq
