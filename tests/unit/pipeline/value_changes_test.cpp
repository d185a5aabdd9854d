#include "pipeline/value_changes.hpp"

#include <catch2/catch.hpp>
#include <algorithm>

#include "attention_fixture.hpp"
#include "pipeline/changed_values.hpp"

namespace nq {
namespace {

using test::floats;
using test::kHeadDim;
using test::kHeads;

constexpr std::int64_t kWidth = kHeads * kHeadDim;

/// The attention of the fixture, and the file that holds it with a changed output of its packed projection.
struct Pair {
  Tensor input = test::random_tensor({1, test::kTokens, 6}, "x");
  ModelFile reference = test::attention_model("logits = Identity(scores)", "queries = Mul(q, half)", {"float half = {0.5}"});
  Recipe recipe;

  Pair() {
    const test::PlannedModel planned(reference, {input});
    test::RecipeParts fine;
    fine.activation_bits = fine.weight_bits = 16;
    recipe = test::made_up_recipe(planned, {input}, fine);
    for (SiteRecipe& site : recipe.sites) site.activation = symmetric_activation(50, 16);
    SiteRecipe& qkv = recipe.sites[0];
    qkv.output_scale.assign(static_cast<std::size_t>(3 * kWidth), 1.0F);
    qkv.output_shift.assign(static_cast<std::size_t>(3 * kWidth), 0.0F);
    for (std::size_t c = 0; c < static_cast<std::size_t>(kWidth); ++c) {
      const float factor = 0.5F + 0.25F * static_cast<float>(c);
      qkv.output_scale[c] = factor;
      qkv.output_scale[c + kWidth] = 1.0F / factor;
      qkv.output_shift[c + kWidth] = 3.0F - static_cast<float>(c);
      qkv.output_scale[c + 2 * kWidth] = 2.0F + static_cast<float>(c);
      qkv.output_shift[c + 2 * kWidth] = -1.0F + static_cast<float>(c);
    }
  }

  TypedGraph typed(const ModelFile& model) const { return specialize(model.to_graph(), {{{"x", input.shape()}}, {}}); }

  std::vector<float> value(const TypedGraph& graph, const std::string& name) const {
    return floats(Executor(make_plan(graph, {{}, std::vector{*graph.graph.find_value(name)}})).run(std::vector<Tensor>{input})[0]);
  }
};

struct Followed {
  std::map<std::string, OutputChange> recorded;
  TypedGraph typed;
  std::map<ValueId, ValueChange> changes;

  Followed(const Pair& pair, const std::vector<std::string>& names) {
    const ModelFile written = quantize(pair.reference, pair.recipe, {});
    recorded = read_changed_outputs(written);
    typed = pair.typed(written);
    std::map<ValueId, const OutputChange*> roots;
    for (const auto& [origin, change] : recorded) roots[*typed.graph.find_value("qkv")] = &change;
    std::vector<ValueId> wanted;
    for (const std::string& name : names) wanted.push_back(*typed.graph.find_value(name));
    changes = find_value_changes(typed, roots, wanted);
  }

  const ValueChange* of(const std::string& name) const {
    const auto found = changes.find(*typed.graph.find_value(name));
    return found == changes.end() ? nullptr : &found->second;
  }
};

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t k = 0; k < a.size(); ++k) largest = std::max(largest, std::fabs(static_cast<double>(a[k]) - static_cast<double>(b[k])));
  return largest;
}

}  // namespace

TEST_CASE("values that carry a folded scale and shift are brought back to what they mean", "[pipeline]") {
  const Pair pair;
  const TypedGraph reference = pair.typed(pair.reference);
  const Followed followed(pair, {"q", "k", "v", "qkv", "keys", "mixed", "rows", "scores", "weights", "y"});
  for (const char* name : {"q", "k", "v", "qkv", "keys", "mixed", "rows"}) {
    INFO(name);
    const ValueChange* change = followed.of(name);
    REQUIRE(change != nullptr);
    REQUIRE(change->gap.empty());
    REQUIRE(change->elements);
    std::vector<float> values = pair.value(followed.typed, name);
    const std::vector<float> expected = pair.value(reference, name);
    CHECK(largest_difference(values, expected) > 0.1);
    change->elements->undo(values);
    CHECK(largest_difference(values, expected) < 2e-2);
    std::vector<float> back = expected;
    change->elements->apply(back);
    change->elements->undo(back);
    CHECK(largest_difference(back, expected) < 1e-4);
  }
  CHECK(followed.of("weights") == nullptr);
  CHECK(followed.of("y") == nullptr);
}

TEST_CASE("scores with shifted keys lose what every key of a query adds alike", "[pipeline]") {
  const Pair pair;
  const TypedGraph reference = pair.typed(pair.reference);
  const Followed followed(pair, {"scores"});
  const ValueChange* change = followed.of("scores");
  REQUIRE(change != nullptr);
  REQUIRE(change->keys);
  CHECK(change->keys->queries == *followed.typed.graph.find_value("queries"));
  std::vector<float> scores = pair.value(followed.typed, "scores");
  const std::vector<float> expected = pair.value(reference, "scores");
  CHECK(largest_difference(scores, expected) > 1);
  change->keys->undo(scores, pair.value(followed.typed, "queries"));
  CHECK(largest_difference(scores, expected) < 5e-2);
}

TEST_CASE("a change that cannot be undone says why", "[pipeline]") {
  Pair pair;
  pair.recipe.sites[0].output_scale[1] *= 2;
  const Followed followed(pair, {"scores", "mixed", "y"});
  REQUIRE(followed.of("scores") != nullptr);
  CHECK_THAT(followed.of("scores")->gap, Catch::Matchers::Contains("do not cancel"));
  // The probabilities follow from the scores; the output projection ends what is unknown.
  CHECK_FALSE(followed.of("mixed")->gap.empty());
  CHECK(followed.of("y") == nullptr);
}

}  // namespace nq
