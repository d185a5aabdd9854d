#include "output_names.hpp"

#include <fmt/format.h>

#include "nq/error.hpp"

namespace nq {

RecipeBits recipe_bits(const Recipe& recipe) {
  if (recipe.sites.empty()) throw Error(ErrorKind::input, "the recipe has no sites");
  return {recipe.sites.front().weight.bits, recipe.sites.front().activation.bits};
}

std::filesystem::path default_output(const std::filesystem::path& model, RecipeBits bits) {
  return fmt::format("{}_w{}a{}.onnx", model.stem().string(), bits.weights, bits.activations);
}

std::filesystem::path default_recipe(const std::filesystem::path& output) {
  std::filesystem::path recipe = output;
  return recipe.replace_extension(".recipe.json");
}

EmitOptions emit_options(const Recipe& recipe) {
  const auto is = [&recipe](const char* key, const char* value) {
    const auto option = recipe.options.find(key);
    return option != recipe.options.end() && option->second == value;
  };
  return {.fold_noise = !is(kFoldOption, "false"),
          .int16_offsets = is(kNoiseTypeOption, "int16"),
          .int4_weights = is(kWeightStorageOption, "int4")};
}

}  // namespace nq
