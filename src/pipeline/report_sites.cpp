#include "pipeline/report_sites.hpp"

#include <algorithm>
#include <map>

#include "pipeline/site_fit.hpp"
#include "pipeline/site_watch.hpp"
#include "pipeline/watched_compare.hpp"
#include "quant/loss_curve.hpp"

namespace nq {
namespace {

/// What one model's comparison gave.
struct ModelSites {
  Comparison comparison;
  std::map<std::string, SiteView> views;  ///< by origin
};

/// Joins the lists of all models, each in network order, into one.
std::vector<ReportSite> join(const std::vector<ModelSites>& models) {
  std::vector<ReportSite> sites;
  for (const ModelSites& model : models) {
    std::size_t place = 0;
    for (const LayerComparison& layer : model.comparison.layers) {
      const auto known = std::find_if(sites.begin(), sites.end(), [&](const ReportSite& site) { return site.origin == layer.origin; });
      if (known != sites.end()) {
        place = static_cast<std::size_t>(known - sites.begin()) + 1;
        continue;
      }
      ReportSite site;
      site.name = layer.name;
      site.origin = layer.origin;
      site.c_out = layer.c_out;
      site.models.resize(models.size());
      sites.insert(sites.begin() + static_cast<std::ptrdiff_t>(place++), std::move(site));
    }
  }
  return sites;
}

/// Curves of one layer on the rows that were sampled of its input.
std::vector<LossCurve> site_curves(const LinearSite& site, const SiteRecipe& recipe, const SiteStatistics& statistics) {
  const std::vector<float> weight = site.weight_matrix();
  const std::vector<float> bias = site.bias.value_or(std::vector<float>(static_cast<std::size_t>(site.c_out), 0.0F));
  SiteInput input;
  input.name = site.name;
  input.rows = {statistics.samples.data(), statistics.rows, site.c_in, site.c_in};
  input.row_weight = statistics.row_weight;
  input.channel_min = statistics.channel_min;
  input.channel_max = statistics.channel_max;
  input.tokens = statistics.tokens;
  input.weight = {weight.data(), site.c_in, site.c_out, site.c_out};
  input.bias = bias;
  SiteFit fit = site_fit(site, recipe);
  fit.noise_amplitude = recipe.noise_amplitude;
  return loss_curves(input, fit);
}

void add_recipe(const SiteRecipe& recipe, const ReferenceTrack& track, SiteView& view) {
  view.stages = recipe.stages;
  for (QuantizerView& quantizer : view.quantizers) {
    quantizer.noisy_bias = emitted_noise(recipe);
    quantizer.channel_scale = recipe.channel_scale;
  }
  if (track.rows && track.site) view.curves = site_curves(*track.site, recipe, track.rows->finish());
}

void add_recipes(const Recipe& recipe, const ReferenceTracks& tracks, std::map<std::string, SiteView>& views, Progress& progress) {
  progress.begin("loss curves", static_cast<std::int64_t>(recipe.sites.size()), "layers");
  for (const SiteRecipe& site : recipe.sites) {
    const auto view = views.find(site.origin);
    if (view != views.end()) add_recipe(site, tracks.at(site.origin), view->second);
    progress.advance(1);
  }
  for (const ProductRecipe& product : recipe.products) {
    if (const auto view = views.find(product.origin); view != views.end()) view->second.stages = product.stages;
  }
  progress.end();
}

/// Few bins, and the same width for what is drawn together.
void fit_histograms(ReportSite& site, std::int64_t bins) {
  std::vector<Histogram*> outputs{&site.output};
  for (std::size_t operand = 0; operand < site.inputs.size(); ++operand) {
    std::vector<Histogram*> inputs{&site.inputs[operand]};
    for (auto& view : site.models) {
      if (!view) continue;
      for (QuantizerView& quantizer : view->quantizers) {
        if (static_cast<std::size_t>(quantizer.operand) == operand) inputs.push_back(&quantizer.input);
      }
    }
    align(inputs, bins);
  }
  for (auto& view : site.models) {
    if (view) outputs.push_back(&view->output);
  }
  align(outputs, bins);
}

}  // namespace

SiteReport report_sites(const ReportSubject& reference, const std::vector<ReportSubject>& models,
                        const std::vector<Sample>& images, const Preprocess& preprocess, const ReportOptions& options,
                        Progress& progress) {
  CompareOptions compare_options;
  compare_options.bad_images = options.bad_images;
  compare_options.input_shape = options.input_shape;
  compare_options.kernels = options.kernels;
  compare_options.classes = options.classes;
  compare_options.worst = 0;
  const bool sample_rows = std::any_of(models.begin(), models.end(), [](const auto& model) { return model.recipe.has_value(); });
  ReferenceTracks tracks;
  std::vector<ModelSites> found;
  for (const ReportSubject& subject : models) {
    SiteWatch watch(tracks, sample_rows);
    ModelSites result;
    result.comparison = compare_watched(*reference.model, *subject.model, images, preprocess, compare_options, &watch, progress);
    result.views = watch.views();
    if (subject.recipe) add_recipes(*subject.recipe, tracks, result.views, progress);
    found.push_back(std::move(result));
  }
  SiteReport report;
  report.images = found.front().comparison.images;
  report.sites = join(found);
  for (ModelSites& model : found) report.unmatched.push_back(std::move(model.comparison.unmatched));
  for (ReportSite& site : report.sites) {
    if (const auto track = tracks.find(site.origin); track != tracks.end()) {
      site.op_type = track->second.op_type;
      for (const HistogramBuilder& input : track->second.inputs) site.inputs.push_back(input.histogram());
      site.output = track->second.output.histogram();
    }
    for (std::size_t k = 0; k < found.size(); ++k) {
      const auto& layers = found[k].comparison.layers;
      const auto layer = std::find_if(layers.begin(), layers.end(), [&](const auto& item) { return item.origin == site.origin; });
      if (layer == layers.end()) continue;
      const auto view = found[k].views.find(site.origin);
      site.models[k] = view == found[k].views.end() ? SiteView{} : std::move(view->second);
      site.models[k]->error = *layer;
    }
    fit_histograms(site, options.bins);
  }
  return report;
}

}  // namespace nq
