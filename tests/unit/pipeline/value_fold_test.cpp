#include "pipeline/value_fold.hpp"

#include <catch2/catch.hpp>
#include <algorithm>
#include <numeric>

#include "emit_fixture.hpp"
#include "nq/tensor_file.hpp"
#include "pipeline/column_map.hpp"
#include "support/shared_data.hpp"

namespace nq {
namespace {

std::vector<LinearSite> sites_of(const test::PlannedModel& planned) { return find_linear_sites(planned.typed).sites; }

/// The folds of a shared model: leader of the group and where its values come from.
std::map<std::string, ValueFold> folds_of(const test::PlannedModel& planned) {
  std::map<std::string, ValueFold> folds;
  for (const SiteGroup& group : planned.groups) {
    if (const auto fold = find_value_fold(planned.typed, group, sites_of(planned))) folds.emplace(group.leader().origin, *fold);
  }
  return folds;
}

}  // namespace

TEST_CASE("columns are followed through reshapes, transposes and splits", "[pipeline]") {
  const std::vector<std::string> constants = {"int64[5] heads = {1, 2, 3, 2, 2}", "int64 third = {2}"};
  const ModelFile file = ModelFile::from_text(
      test::model_text("g (float[1,2,12] x) => (float[1,2,2,2] y)", constants,
                       "{ r = Reshape(x, heads) t = Transpose<perm = [2,0,3,1,4]>(r) y = Gather<axis = 0>(t, third) }"));
  const TypedGraph typed = specialize(file.to_graph(), {});
  ColumnMap map = last_axis_columns(Shape{1, 2, 12});
  for (const NodeId id : typed.graph.order()) {
    const auto moved = move_columns(typed, typed.graph.node(id), 0, map);
    REQUIRE(moved);
    map = *moved;
  }
  // Values are the last third; [1, head, token, column].
  CHECK(map.shape == Shape{1, 2, 2, 2});
  CHECK(map.columns == std::vector<std::int32_t>{8, 9, 8, 9, 10, 11, 10, 11});
}

TEST_CASE("slices begin where the operator lets them, and picks outside an axis are not followed", "[pipeline]") {
  const std::vector<std::string> constants = {"int64[1] start = {-1000}", "int64[1] second = {-2}", "int64[1] end = {3}",
                                              "int64[1] axis = {2}",      "int64 picked = {0}",  "int64 outside = {4}"};
  const ModelFile file = ModelFile::from_text(test::model_text(
      "g (float[1,2,4] x) => (float[1,2,3] whole, float[1,2,1] late, float[1,2] first, float[1,2] none)", constants,
      "{ whole = Slice(x, start, end, axis) late = Slice(x, second, end, axis) first = Gather<axis = 2>(x, picked) "
      "none = Gather<axis = 2>(x, outside) }"));
  const TypedGraph typed = specialize(file.to_graph(), {});
  const ColumnMap map = last_axis_columns(Shape{1, 2, 4});
  std::vector<std::optional<ColumnMap>> moved;
  for (const ValueId output : typed.graph.outputs) {
    moved.push_back(move_columns(typed, typed.graph.node(typed.graph.value(output).producer), 0, map));
  }
  CHECK(moved[0].value().columns == std::vector<std::int32_t>{0, 1, 2, 0, 1, 2});
  CHECK(moved[1].value().columns == std::vector<std::int32_t>{2, 2});
  CHECK(moved[2].value().columns == std::vector<std::int32_t>{0, 0});
  CHECK_FALSE(moved[3]);
}

TEST_CASE("every attention of the shared ViTs folds into its value columns", "[pipeline]") {
  for (const auto& folder : test::shared_graphs()) {
    const std::string name = folder.filename().string();
    if (name != "vit_opset17" && name != "vit_opset11" && name != "deit_distilled" && name != "torchvision_vit") continue;
    INFO(name);
    const test::PlannedModel planned(ModelFile::load(folder / "model.onnx"), {load_tensor(folder / "test_data_set_0/input_0.pb")});
    const auto folds = folds_of(planned);
    CHECK(folds.size() == 2);
    for (const auto& [leader, fold] : folds) {
      // Queries and keys come first in these joint projections.
      const auto width = static_cast<std::int32_t>(fold.columns.size());
      std::vector<std::int32_t> values(fold.columns.size());
      std::iota(values.begin(), values.end(), 2 * width);
      CHECK(fold.columns == values);
    }
  }
}

TEST_CASE("scale and noise folded into the values leave the function alone", "[pipeline]") {
  const auto folder = test::shared_data("data/graphs/vit_opset17");
  if (!folder) return;
  const Tensor input = load_tensor(*folder / "test_data_set_0/input_0.pb");
  const test::PlannedModel planned(ModelFile::load(*folder / "model.onnx"), {input});
  const auto folds = folds_of(planned);
  REQUIRE(folds.size() == 2);
  Recipe recipe = test::made_up_recipe(planned, {input}, {.noise = true});
  const SiteSearch found = find_linear_sites(planned.typed);
  for (SiteRecipe& site : recipe.sites) {
    if (!folds.contains(site.origin)) continue;
    const auto layer = std::find_if(found.sites.begin(), found.sites.end(),
                                    [&](const LinearSite& candidate) { return candidate.origin == site.origin; });
    std::vector<float> weight = layer->weight_matrix();
    for (std::int64_t channel = 0; channel < site.c_in; ++channel) {
      // Unequal enough that any other order of columns would show.
      site.channel_scale.push_back(channel % 3 == 0 ? 4.0F : 0.5F);
      for (std::int64_t out = 0; out < site.c_out; ++out) {
        weight[static_cast<std::size_t>(channel * site.c_out + out)] *= site.channel_scale.back();
      }
    }
    site.weight = absmax_weight({weight.data(), site.c_in, site.c_out, site.c_out}, 8);
    site.activation.scale[0] *= 2;
  }
  const std::vector<float> reference = test::floats(test::run(planned.model, {input})[0]);
  const ModelFile folded = quantize(planned.model, recipe);
  CHECK(test::relative_error(test::floats(test::run(folded, {input})[0]), reference) < 0.1);
  // Without the layers that compute the values there is nothing to fold into: a Mul and an Add do the same.
  Recipe alone = recipe;
  std::erase_if(alone.sites, [&](const SiteRecipe& site) { return !folds.contains(site.origin); });
  const ModelFile explicit_form = quantize(planned.model, alone);
  CHECK(test::relative_error(test::floats(test::run(explicit_form, {input})[0]), reference) < 0.1);
  const auto count = [](const ModelFile& model, std::string_view type) {
    const Graph graph = model.to_graph();
    const auto order = graph.order();
    return std::count_if(order.begin(), order.end(), [&](NodeId id) { return graph.node(id).op_type == type; });
  };
  CHECK(count(explicit_form, "Mul") == count(planned.model, "Mul") + 2);
  CHECK(count(folded, "Mul") == count(planned.model, "Mul"));
}

}  // namespace nq
