#include "pipeline/group_fitter.hpp"

#include "core/check.hpp"
#include "pipeline/site_fit.hpp"

namespace nq {
namespace {

/// Weights [c_in, c_out] and biases [c_out] of all sites side by side.
struct JoinedLayer {
  std::vector<float> weight;
  std::vector<float> bias;

  explicit JoinedLayer(const SiteGroup& group)
      : weight(static_cast<std::size_t>(group.c_in() * group.c_out())), bias(static_cast<std::size_t>(group.c_out()), 0.0F) {
    std::int64_t first_out = 0;
    for (const LinearSite& site : group.sites) {
      const std::vector<float> matrix = site.weight_matrix();
      for (std::int64_t in = 0; in < site.c_in; ++in) {
        std::copy_n(matrix.begin() + in * site.c_out, site.c_out,
                    weight.begin() + in * group.c_out() + first_out);
      }
      if (site.bias) std::copy(site.bias->begin(), site.bias->end(), bias.begin() + first_out);
      first_out += site.c_out;
    }
  }
};

}  // namespace

std::vector<SiteRecipe> fit_group(const SiteGroup& group, int group_index, const SiteStatistics& statistics,
                                  const SiteContext& context, const Method& method, const MethodOptions& options) {
  return with_context(
      [&] {
        const JoinedLayer layer(group);
        SiteInput input;
        input.name = group.leader().name;
        input.rows = {statistics.samples.data(), statistics.rows, group.c_in(), group.c_in()};
        input.row_weight = statistics.row_weight;
        input.channel_min = statistics.channel_min;
        input.channel_max = statistics.channel_max;
        input.tokens = statistics.tokens;
        input.weight = {layer.weight.data(), group.c_in(), group.c_out(), group.c_out()};
        input.bias = layer.bias;
        input.readout = statistics.readout;
        input.held_out = statistics.held_out;
        input.readout_only = context.readout_only;
        input.noise_folds = context.noise_folds;
        input.channel_gain = context.channel_gain;
        input.channel_scale_allowed = context.channel_scale_allowed;
        const SiteFit fit = method.fit(input, options);
        std::vector<SiteRecipe> recipes;
        std::int64_t first_out = 0;
        for (const LinearSite& site : group.sites) {
          recipes.push_back(site_recipe(site, fit, first_out, group.c_out(), group_index));
          first_out += site.c_out;
        }
        return recipes;
      },
      [&] { return fmt::format("while fitting '{}'", group.leader().name); });
}

}  // namespace nq
