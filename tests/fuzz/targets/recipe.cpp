// Recipe JSON: refused, or read and written again as the same text.

#include "fuzz_support.hpp"
#include "nq/recipe.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace nq;
  fuzz::refuse_or([&] {
    const Recipe recipe = recipe_from_json(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
    const std::string text = recipe_to_json(recipe);
    fuzz::require(recipe_to_json(recipe_from_json(text, "again")) == text, "a recipe that was read is written otherwise");
  });
  return 0;
}
