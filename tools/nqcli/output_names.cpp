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
  const auto fold = recipe.options.find(kFoldOption);
  const auto type = recipe.options.find(kNoiseTypeOption);
  return {.fold_noise = fold == recipe.options.end() || fold->second != "false",
          .int16_offsets = type != recipe.options.end() && type->second == "int16"};
}

}  // namespace nq
