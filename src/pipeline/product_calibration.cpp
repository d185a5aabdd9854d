#include "pipeline/product_calibration.hpp"

#include <algorithm>
#include <map>

#include "core/check.hpp"
#include "core/parallel.hpp"
#include "quant/attention_fit.hpp"

namespace nq {
namespace {

ProductRecipe product_recipe(const ProductSite& site, const QuantParams& left, const QuantParams& right,
                             const std::vector<StageLoss>& stages) {
  ProductRecipe recipe;
  recipe.name = site.name;
  recipe.origin = site.origin;
  recipe.role = site.role;
  recipe.left = left;
  recipe.right = right;
  recipe.stages = stages;
  return recipe;
}

SiteRecipe* find_site(Recipe& recipe, const std::optional<OperandSource>& source) {
  if (!source) return nullptr;
  const auto it = std::find_if(recipe.sites.begin(), recipe.sites.end(),
                               [&](const SiteRecipe& site) { return site.origin == source->site_origin; });
  return it == recipe.sites.end() ? nullptr : &*it;
}

std::vector<float>& filled(std::vector<float>& values, std::int64_t count, float value) {
  if (values.empty()) values.assign(static_cast<std::size_t>(count), value);
  return values;
}

/// Has the layers make Q / a and K * a + shift.
void rewrite_layers(const AttentionFit& fit, const OperandSource& q, const OperandSource& k,
                    SiteRecipe* q_site, SiteRecipe& k_site) {
  for (std::size_t c = 0; c < fit.query_scale.size(); ++c) {
    filled(q_site->output_scale, q_site->c_out, 1.0F)[static_cast<std::size_t>(q.channel[c])] =
        fit.query_scale[c];
    filled(k_site.output_scale, k_site.c_out, 1.0F)[static_cast<std::size_t>(k.channel[c])] =
        1.0F / fit.query_scale[c];
  }
  for (std::size_t c = 0; c < fit.key_shift.size(); ++c) {
    filled(k_site.output_shift, k_site.c_out, 0.0F)[static_cast<std::size_t>(k.channel[c])] =
        fit.key_shift[c] / k.factor;
  }
}

/// Sources of the operands; a channel that several operands read belongs to none of them alone.
struct SourcedAttention {
  std::optional<OperandSource> q, k, v;
};

SourcedAttention trace(const OperandTracer& tracer, const AttentionSite& site) {
  return {tracer.trace(site.scores.left, false), tracer.trace(site.scores.right, true),
          tracer.trace(site.values.right, false)};
}

}  // namespace

ProductCalibration::ProductCalibration(const TypedGraph& typed, const SiteSearch& found,
                                       const std::vector<SelectedAttention>& selected, const Observe& observer_of) {
  if (selected.empty()) return;
  const OperandTracer tracer(typed, found);
  std::map<std::string, SourcedAttention> sources;
  std::map<std::pair<std::string, std::int32_t>, int> readers;
  for (const AttentionSite& site : found.attention) {
    const SourcedAttention& sourced = sources.emplace(site.values.origin, trace(tracer, site)).first->second;
    for (const auto* source : {&sourced.q, &sourced.k, &sourced.v}) {
      if (!*source) continue;
      for (const std::int32_t channel : (*source)->channel) ++readers[{(*source)->site_origin, channel}];
    }
  }
  const auto sole = [&](const std::optional<OperandSource>& source) {
    return source && std::all_of(source->channel.begin(), source->channel.end(), [&](std::int32_t channel) {
             return readers.at({source->site_origin, channel}) == 1;
           });
  };
  for (const SelectedAttention& attention : selected) {
    Entry entry;
    const SourcedAttention& sourced = sources.at(attention.site.values.origin);
    if (sole(sourced.q) && sole(sourced.k) && sole(sourced.v) &&
        sourced.q->channel.size() == sourced.k->channel.size()) {
      entry.q = sourced.q;
      entry.k = sourced.k;
      entry.v = sourced.v;
    }
    entry.observer = observer_of(attention);
    entry.selected = attention;
    entries_.push_back(std::move(entry));
  }
}

std::uint64_t ProductCalibration::sample_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.observer->sample_bytes();
  return bytes;
}

std::vector<ProductStatistics> ProductCalibration::statistics() const {
  std::vector<ProductStatistics> all;
  for (const Entry& entry : entries_) {
    const SelectedAttention& selected = entry.selected;
    all.push_back({selected.site.scores.origin, selected.site.values.origin, selected.scores, selected.values, entry.observer});
  }
  return all;
}

std::vector<ValueId> ProductCalibration::values() const {
  std::vector<ValueId> values;
  for (const Entry& entry : entries_) {
    const AttentionSite& site = entry.selected.site;
    values.insert(values.end(), {site.scores.left, site.scores.right, site.values.left, site.values.right});
  }
  return values;
}

void ProductCalibration::rebind(const TypedGraph& typed) {
  const std::vector<AttentionSite> found = find_attention_sites(typed);
  for (Entry& entry : entries_) {
    const std::string& origin = entry.selected.site.values.origin;
    const auto it = std::find_if(found.begin(), found.end(),
                                 [&](const AttentionSite& site) { return site.values.origin == origin; });
    NQ_CHECK(it != found.end(), internal, "attention product '{}' is lost in the partly quantized model",
             origin);
    entry.selected.site = *it;
  }
}

void ProductCalibration::observe(ValueId value, const TensorView& view,
                                 std::span<const std::uint64_t> image_keys) {
  for (Entry& entry : entries_) {
    const AttentionSite& site = entry.selected.site;
    if (value == site.scores.left) entry.observer->observe(AttentionPart::queries, view, image_keys);
    if (value == site.scores.right) entry.observer->observe(AttentionPart::keys, view, image_keys);
    if (value == site.values.left) entry.observer->observe(AttentionPart::probabilities, view, image_keys);
    if (value == site.values.right) entry.observer->observe(AttentionPart::values, view, image_keys);
  }
}

AttentionSamples ProductCalibration::samples_of(const Entry& entry, const OutputChanges& changes) {
  AttentionSamples samples = entry.observer->finish();
  const OutputChange* change = entry.v ? changes.of(entry.v->site_origin) : nullptr;
  if (change == nullptr) return samples;
  const auto changed = [&](float value, std::size_t channel) {
    const auto column = static_cast<std::size_t>(entry.v->channel[channel]);
    return value / change->scale[column] + change->shift[column] * entry.v->factor;
  };
  const auto width = static_cast<std::size_t>(samples.v_dim);
  const std::size_t per_instance = static_cast<std::size_t>(samples.keys) * width;
  for (std::size_t at = 0; at < samples.v.size(); ++at) {
    const auto head = static_cast<std::size_t>(samples.head[at / per_instance]);
    samples.v[at] = changed(samples.v[at], head * width + at % width);
  }
  for (std::size_t channel = 0; channel < samples.v_range.low.size(); ++channel) {
    samples.v_range.low[channel] = changed(samples.v_range.low[channel], channel);
    samples.v_range.high[channel] = changed(samples.v_range.high[channel], channel);
  }
  return samples;
}

void ProductCalibration::fit(const Method& method, const MethodOptions& options, const OutputChanges& changes,
                             Recipe& recipe) const {
  std::vector<AttentionFit> fits(entries_.size());
  parallel_for(0, static_cast<std::int64_t>(entries_.size()), 1, [&](std::int64_t index, std::int64_t) {
    const Entry& entry = entries_[static_cast<std::size_t>(index)];
    const AttentionSite& site = entry.selected.site;
    const bool k_free = entry.selected.scores && find_site(recipe, entry.k) != nullptr;
    const bool q_free = k_free && find_site(recipe, entry.q) != nullptr;
    fits[static_cast<std::size_t>(index)] = with_context(
        [&] {
          return fit_attention(samples_of(entry, changes), {k_free, q_free}, entry.selected.bits, method.products(),
                               options, site.scores.name);
        },
        [&] { return fmt::format("while fitting '{}'", site.scores.name); });
  });
  for (std::size_t index = 0; index < entries_.size(); ++index) {
    const Entry& entry = entries_[index];
    const AttentionFit& fit = fits[index];
    const AttentionSite& site = entry.selected.site;
    if (entry.selected.scores) {
      recipe.products.push_back(product_recipe(site.scores, fit.q, fit.k, fit.score_stages));
      if (SiteRecipe* k_site = find_site(recipe, entry.k)) {
        rewrite_layers(fit, *entry.q, *entry.k, find_site(recipe, entry.q), *k_site);
      }
    }
    if (entry.selected.values)
      recipe.products.push_back(product_recipe(site.values, fit.p, fit.v, fit.value_stages));
  }
}

}  // namespace nq
