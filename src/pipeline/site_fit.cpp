#include "pipeline/site_fit.hpp"

#include "core/check.hpp"

namespace nq {
namespace {

std::vector<WeightCode> derive_codes(const LinearSite& site, const SiteRecipe& recipe) {
  const std::vector<float> weight = site.weight_matrix();
  std::vector<WeightCode> codes(weight.size());
  for (std::int64_t in = 0; in < site.c_in; ++in) {
    const float factor = recipe.channel_scale.empty() ? 1.0F : recipe.channel_scale[static_cast<std::size_t>(in)];
    for (std::int64_t out = 0; out < site.c_out; ++out) {
      const auto at = static_cast<std::size_t>(in * site.c_out + out);
      codes[at] = static_cast<WeightCode>(quantize(weight[at] * factor, recipe.weight.scale[static_cast<std::size_t>(out)],
                                                    0, recipe.weight.qmin(), recipe.weight.qmax()));
    }
  }
  for (const std::int32_t channel : recipe.outlier_channels) {
    std::fill_n(codes.begin() + channel * site.c_out, site.c_out, WeightCode{0});
  }
  return codes;
}

}  // namespace

std::vector<float> emitted_noise(const SiteRecipe& recipe) {
  std::vector<float> noise = recipe.noisy_bias;
  if (noise.empty()) return noise;
  for (const std::int32_t channel : recipe.outlier_channels) noise[static_cast<std::size_t>(channel)] = 0;
  return noise;
}

SiteFit site_fit(const LinearSite& site, const SiteRecipe& recipe) {
  NQ_CHECK(site.c_in == recipe.c_in && site.c_out == recipe.c_out, input,
           "the recipe has '{}' as {} x {}, the model as {} x {}", recipe.name, recipe.c_in, recipe.c_out, site.c_in,
           site.c_out);
  SiteFit fit;
  fit.activation = recipe.activation;
  fit.weight = recipe.weight;
  fit.weight_codes_derived = recipe.weight_codes.empty();
  fit.weight_codes = fit.weight_codes_derived ? derive_codes(site, recipe) : recipe.weight_codes;
  fit.noisy_bias = emitted_noise(recipe);
  fit.bias_correction = recipe.bias_correction;
  fit.channel_scale = recipe.channel_scale;
  fit.outlier_channels = recipe.outlier_channels;
  return fit;
}

SiteRecipe site_recipe(const LinearSite& site, const SiteFit& group_fit, std::int64_t first_out,
                       std::int64_t group_out, int group) {
  const auto slice = [&](const auto& values) {
    using Values = std::decay_t<decltype(values)>;
    if (values.empty()) return Values{};
    return Values(values.begin() + first_out, values.begin() + first_out + site.c_out);
  };
  SiteRecipe recipe;
  recipe.name = site.name;
  recipe.origin = site.origin;
  recipe.group = group;
  recipe.c_in = site.c_in;
  recipe.c_out = site.c_out;
  recipe.activation = group_fit.activation;
  recipe.weight = group_fit.weight;
  recipe.weight.scale = slice(group_fit.weight.scale);
  recipe.weight.zero_point = slice(group_fit.weight.zero_point);
  if (!group_fit.weight_codes_derived) {
    for (std::int64_t in = 0; in < site.c_in; ++in) {
      const auto row = group_fit.weight_codes.begin() + in * group_out + first_out;
      recipe.weight_codes.insert(recipe.weight_codes.end(), row, row + site.c_out);
    }
  }
  recipe.noisy_bias = group_fit.noisy_bias;
  recipe.noise_mean = group_fit.noise_mean;
  recipe.noise_amplitude = group_fit.noise_amplitude;
  recipe.bias_correction = slice(group_fit.bias_correction);
  recipe.channel_scale = group_fit.channel_scale;
  recipe.outlier_channels = group_fit.outlier_channels;
  recipe.stages = group_fit.stages;
  return recipe;
}

}  // namespace nq
