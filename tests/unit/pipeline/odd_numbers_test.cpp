#include "pipeline/odd_numbers.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "emit_fixture.hpp"

namespace nq {
namespace {

/// Warnings of a [8, 6] layer with every weight 0.1 apart from what `change` does, and inputs in [low, high].
std::vector<std::string> warnings(const std::function<void(std::vector<float>&)>& change, float low, float high) {
  std::vector<float> weight(48, 0.1F);
  change(weight);
  Graph graph = ModelFile::from_text(test::model_text("g (float[2,8] x) => (float[2,6] y)",
                                                      {test::initializer_text("w", {8, 6})}, "{ y = MatMul(x, w) }"))
                    .to_graph();
  graph.value(*graph.find_value("w")).constant = Tensor::of(Shape{8, 6}, weight);
  const TypedGraph typed = specialize(graph, {});
  const std::vector<SiteGroup> groups = group_sites(find_linear_sites(typed).sites);
  REQUIRE(groups.size() == 1);
  return odd_numbers(groups[0], {std::vector<float>(8, low), std::vector<float>(8, high), 2, 0});
}

bool says(const std::vector<std::string>& warnings, const std::string& text) {
  return std::any_of(warnings.begin(), warnings.end(),
                     [&](const std::string& warning) { return warning.find(text) != std::string::npos; });
}

const auto kSame = [](std::vector<float>&) {};

}  // namespace

TEST_CASE("ordinary layers are not warned about", "[pipeline]") {
  CHECK(warnings(kSame, -1, 1).empty());
  CHECK(warnings([](std::vector<float>& weight) { weight[7] = 1000; }, 0, 1).empty());
}

TEST_CASE("odd weights are named", "[pipeline]") {
  CHECK(says(warnings([](std::vector<float>& weight) { weight.assign(48, 0.0F); }, -1, 1), "every weight is zero"));
  CHECK(says(warnings([](std::vector<float>& weight) { for (std::size_t k = 2; k < 48; k += 6) weight[k] = -0.0F; }, -1, 1),
             "1 of 6 output channels have zero weights"));
  CHECK(says(warnings([](std::vector<float>& weight) { weight[5] = -1e30F; }, -1, 1), "magnitude 1e+30 dwarfs"));
  CHECK(says(warnings([](std::vector<float>& weight) { weight.assign(48, 1e-42F); }, -1, 1), "too small for a scale"));
}

TEST_CASE("odd inputs are named", "[pipeline]") {
  CHECK(says(warnings(kSame, 0, 0), "the input is zero"));
  CHECK(says(warnings(kSame, 2.5F, 2.5F), "the input is 2.5 throughout"));
  CHECK(says(warnings(kSame, -1e-42F, 1e-42F), "too small for a scale"));
}

}  // namespace nq
