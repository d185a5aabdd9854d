#pragma once

#include <string>
#include <vector>

#include "nq/executor.hpp"
#include "nq/model_file.hpp"
#include "nq/quantize.hpp"
#include "pipeline/site_fit.hpp"
#include "pipeline/site_groups.hpp"
#include "quant/emitted_layer.hpp"
#include "quant/quantizers.hpp"
#include "support/models.hpp"

namespace nq::test {

/// What a made-up recipe carries, besides scales that follow the data.
struct RecipeParts {
  int activation_bits = 8;
  int weight_bits = 8;
  bool symmetric = true;
  bool noise = false;
  bool correction = false;
  bool channel_scale = false;
  std::vector<std::int32_t> outliers = {};
};

/// A model planned for fixed inputs, its sites grouped.
struct PlannedModel {
  ModelFile model;
  std::map<std::string, Shape> shapes;
  TypedGraph typed;
  std::vector<SiteGroup> groups;

  PlannedModel(ModelFile file, const std::vector<Tensor>& inputs) : model(std::move(file)) {
    const Graph graph = model.to_graph();
    for (std::size_t k = 0; k < inputs.size(); ++k)
      shapes.emplace(graph.value(graph.inputs[k]).name, inputs[k].shape());
    typed = specialize(graph, {shapes, {}});
    groups = group_sites(find_linear_sites(typed).sites);
  }

  /// Rows [tokens, c_in] that a group sees in the float model.
  std::vector<float> rows(const SiteGroup& group, const std::vector<Tensor>& inputs) const {
    const Tensor value = Executor(make_plan(typed, {{}, std::vector{group.x}})).run(inputs)[0];
    return group.leader().input_rows(value.view());
  }
};

inline SiteRecipe made_up_recipe(const LinearSite& site, int group, const std::vector<float>& rows,
                                 const std::string& group_name, const RecipeParts& parts) {
  SiteRecipe recipe;
  recipe.name = site.name;
  recipe.origin = site.origin;
  recipe.group = group;
  recipe.c_in = site.c_in;
  recipe.c_out = site.c_out;
  const auto [low, high] = std::minmax_element(rows.begin(), rows.end());
  recipe.activation = activation_params(0.9 * static_cast<double>(*low), 0.8 * static_cast<double>(*high),
                                        parts.activation_bits, parts.symmetric);
  std::vector<float> weight = site.weight_matrix();
  const float step = recipe.activation.scale[0];
  if (parts.noise) recipe.noisy_bias = random_values(site.c_in, group_name + "noise", step);
  if (parts.channel_scale) {
    for (const float value : random_values(site.c_in, group_name + "scale", 0.2F)) {
      recipe.channel_scale.push_back(std::exp2(value));
    }
    for (std::size_t at = 0; at < weight.size(); ++at) {
      weight[at] *= recipe.channel_scale[at / static_cast<std::size_t>(site.c_out)];
    }
  }
  recipe.weight = absmax_weight({weight.data(), site.c_in, site.c_out, site.c_out}, parts.weight_bits);
  if (parts.correction) recipe.bias_correction = random_values(site.c_out, site.name + "correction", 0.1F);
  recipe.outlier_channels = parts.outliers;
  recipe.stages = {{"made_up", 0.0}};
  return recipe;
}

/// A recipe for every site of the model.
inline Recipe made_up_recipe(const PlannedModel& planned, const std::vector<Tensor>& inputs,
                             const RecipeParts& parts) {
  Recipe recipe;
  recipe.tool_version = "test";
  recipe.model_sha256 = planned.model.sha256();
  recipe.method = "made_up";
  recipe.input_shapes = planned.shapes;
  recipe.image_list_sha256 = "none";
  for (std::size_t group = 0; group < planned.groups.size(); ++group) {
    const std::vector<float> rows = planned.rows(planned.groups[group], inputs);
    for (const LinearSite& site : planned.groups[group].sites) {
      recipe.sites.push_back(
          made_up_recipe(site, static_cast<int>(group), rows, planned.groups[group].leader().name, parts));
    }
  }
  return recipe;
}

/// y = fake_quant(x / channel_scale + N) Wq + side path + B', by the formula the searches use.
inline std::vector<float> reference_output(const LinearSite& site, const SiteRecipe& recipe,
                                           const std::vector<float>& rows) {
  const std::vector<float> weight = site.weight_matrix();
  const std::vector<float> bias =
      site.bias.value_or(std::vector<float>(static_cast<std::size_t>(site.c_out), 0.0F));
  SiteInput input;
  input.rows = {rows.data(), static_cast<std::int64_t>(rows.size()) / site.c_in, site.c_in, site.c_in};
  input.weight = {weight.data(), site.c_in, site.c_out, site.c_out};
  input.bias = bias;
  RowMatrix out;
  EmittedLayer(input, site_fit(site, recipe)).run(input.rows, out);
  return {out.data(), out.data() + out.size()};
}

/// ||a - b|| / ||b||
inline double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double error = 0;
  double power = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    error += std::pow(static_cast<double>(a[k]) - static_cast<double>(b[k]), 2);
    power += std::pow(static_cast<double>(b[k]), 2);
  }
  return std::sqrt(error / power);
}

}  // namespace nq::test
