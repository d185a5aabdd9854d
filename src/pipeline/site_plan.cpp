#include "pipeline/site_plan.hpp"

#include <algorithm>
#include <mutex>

#include "core/check.hpp"
#include "core/heap.hpp"
#include "core/log.hpp"
#include "core/parallel.hpp"
#include "pipeline/affine_fold.hpp"
#include "pipeline/group_fitter.hpp"
#include "pipeline/odd_numbers.hpp"
#include "pipeline/output_changes.hpp"
#include "pipeline/site_bits.hpp"
#include "pipeline/value_fold.hpp"

namespace nq {
namespace {

constexpr std::int64_t kMinRowsPerSite = 256;
constexpr std::uint64_t kProductShare = 4;  ///< of the memory for samples, as a divisor

/// Names of the parts that are switched off, with commas.
std::string parts_left_out(const BestParts& parts) {
  std::string text;
  for (const BestPart& part : best_parts()) {
    if (parts.*part.member) continue;
    text += (text.empty() ? "" : ",") + std::string(part.name);
  }
  return text;
}

}  // namespace

SitePlan::SitePlan(TypedGraph typed, const CalibrationOptions& options)
    : typed_(std::move(typed)), options_(options), method_(builtin_methods().get(options.method)) {
  NQ_CHECK(options.fit.reparam == Reparam::none || options.method == "easyquant" || options.method == "noisyquant", usage,
           "--reparam goes with --method easyquant or noisyquant, not {}", options.method);
  found_ = find_linear_sites(typed_);
  sites_ = select_sites(found_, options.selection, skipped_);
  attention_ = select_attention(found_, options.selection, skipped_);
  groups_ = group_sites(sites_);
  NQ_CHECK(!groups_.empty(), unsupported, "the model has no linear layer to quantize with these options");
  fit_options_ = apply_bits(groups_, attention_, options);
  readout_ = find_readout_tokens(typed_);
}

std::int64_t SitePlan::capacity() const {
  const std::uint64_t row_bytes = sample_bytes(8) / 8;
  const std::uint64_t budget = options_.max_sample_bytes - (attention_.empty() ? 0 : product_bytes());
  const auto rows = static_cast<std::int64_t>(budget / std::max<std::uint64_t>(row_bytes, 1));
  if (rows < kMinRowsPerSite) {
    throw Error(ErrorKind::resource,
                fmt::format("calibration samples need at least {} bytes, the limit is {}",
                            row_bytes * kMinRowsPerSite, budget),
                "raise --max-memory, or quantize fewer layers with --include");
  }
  return std::min(rows, SiteObserver::kMostCapacity);
}

std::uint64_t SitePlan::sample_bytes(std::int64_t capacity) const {
  std::uint64_t bytes = 0;
  for (const SiteGroup& group : groups_) bytes += SiteObserver::sample_bytes(group.c_in(), capacity);
  return bytes;
}

std::uint64_t SitePlan::product_bytes() const noexcept { return options_.max_sample_bytes / kProductShare; }

ProductCalibration SitePlan::make_products(std::int64_t plan_batch) const {
  return {typed_, found_, attention_, [&](const SelectedAttention& attention) {
            return std::make_shared<ProductObserver>(
                product_layout(typed_, attention.site, plan_batch, product_bytes() / attention_.size()));
          }};
}

ProductCalibration SitePlan::restore_products(const std::vector<ProductStatistics>& statistics,
                                              std::int64_t plan_batch) const {
  constexpr std::uint64_t kAnyBudget = UINT64_MAX;
  NQ_CHECK(statistics.size() == attention_.size(), input, "the statistics hold {} attentions, the model has {} to quantize",
           statistics.size(), attention_.size());
  return {typed_, found_, attention_, [&](const SelectedAttention& attention) {
            const AttentionSite& site = attention.site;
            const auto it = std::find_if(statistics.begin(), statistics.end(), [&](const ProductStatistics& item) {
              return item.scores_origin == site.scores.origin && item.values_origin == site.values.origin;
            });
            NQ_CHECK(it != statistics.end(), input, "the statistics hold no attention product '{}'", site.scores.name);
            ProductLayout layout = product_layout(typed_, site, plan_batch, kAnyBudget);
            layout.capacity = it->observer->layout().capacity;
            NQ_CHECK(layout == it->observer->layout() && it->scores == attention.scores && it->values == attention.values,
                     input, "the statistics hold another attention product than '{}'", site.scores.name);
            return it->observer;
          }};
}

void SitePlan::fit_products(const ProductCalibration& products, bool as_written, Recipe& recipe) const {
  if (products.empty()) return;
  std::vector<BoundGroup> bound;
  for (const SiteGroup& group : groups_) {
    bound.push_back({group, {}});
    for (const LinearSite& site : group.sites) {
      const auto it = std::find_if(recipe.sites.begin(), recipe.sites.end(),
                                   [&](const SiteRecipe& item) { return item.origin == site.origin; });
      NQ_ASSERT(it != recipe.sites.end());
      bound.back().recipes.push_back(&*it);
    }
  }
  const OutputChanges changes = as_written ? OutputChanges{} : find_output_changes(typed_, bound, {.fold_noise = options_.fold_noise});
  products.fit(method_, options_.fit, changes, recipe);
}

std::unique_ptr<SiteObserver> SitePlan::make_observer(std::size_t group, std::int64_t capacity) const {
  std::vector<std::uint8_t> mask;
  if (readout_) mask = readout_->mask_for(typed_.type(groups_[group].x).shape);
  return std::make_unique<SiteObserver>(groups_[group].c_in(), capacity, std::move(mask));
}

std::vector<SiteRecipe> SitePlan::fit(std::size_t group, std::unique_ptr<SiteObserver> observer) const {
  const SiteStatistics statistics = observer->finish();
  observer.reset();
  const auto fold = find_affine_fold(typed_, groups_[group]);
  SiteContext context;
  const bool folds_into_values = find_value_fold(typed_, groups_[group], sites_).has_value();
  context.channel_scale_allowed = (fold && !fold->scale_origin.empty()) || folds_into_values;
  context.noise_folds = fold || folds_into_values;
  if (fold && !fold->scale_origin.empty()) context.channel_gain = fold->scale;
  context.readout_only = readout_ && readout_->unmixed[static_cast<std::size_t>(groups_[group].x.index)] != 0;
  return fit_group(groups_[group], static_cast<int>(group), statistics, context, method_, fit_options_[group]);
}

void SitePlan::warn_of_odd_numbers(std::size_t group, const SiteObserver& observer) const {
  for (const std::string& text : odd_numbers(groups_[group], observer.totals())) log_warning("{}", text);
}

std::vector<SiteRecipe> SitePlan::fit_all(Observers observers, Progress& progress, const CalibrationState* kept) const {
  for (std::size_t group = 0; group < groups_.size(); ++group) warn_of_odd_numbers(group, *observers[group]);
  progress.begin("searching", static_cast<std::int64_t>(groups_.size()), "sites");
  std::vector<std::vector<SiteRecipe>> fitted(groups_.size());
  std::mutex progress_mutex;
  const std::vector<std::size_t> order = search_order(groups_);
  return_freed_memory();
  keep_freed_memory();
  parallel_tasks(static_cast<std::int64_t>(order.size()), [&](std::int64_t task) {
    const std::size_t at = order[static_cast<std::size_t>(task)];
    auto observer = std::move(observers[at]);
    const auto before = kept != nullptr ? kept->find_fit(at) : std::nullopt;
    fitted[at] = before ? *before : fit(at, std::move(observer));
    if (kept != nullptr && !before) kept->keep_fit(at, fitted[at]);
    const std::lock_guard lock(progress_mutex);
    progress.advance(1);
  });
  progress.end();
  std::vector<SiteRecipe> all;
  for (auto& recipes : fitted) std::move(recipes.begin(), recipes.end(), std::back_inserter(all));
  return all;
}

void SitePlan::record_options(const GraphChoice& choice, Recipe& recipe) const {
  recipe.method = options_.method;
  recipe.seed = options_.fit.seed;
  recipe.skipped = skipped_;
  const MethodOptions& fit = options_.fit;
  recipe.options = {
      {"wbits", std::to_string(fit.weight_bits)},
      {"abits", std::to_string(fit.activation_bits)},
      {"activation", fit.activation == ActivationRange::automatic ? "auto" : fit.symmetric() ? "symmetric" : "asymmetric"},
      {"objective", fit.objective == Objective::mse ? "mse" : "cosine"},
      {"alpha", fmt::format("{}", fit.alpha)},
      {"beta", fmt::format("{}", fit.beta)},
      {"candidates", std::to_string(fit.candidates)},
      {"rounds", std::to_string(fit.rounds)},
      {"percentile", fmt::format("{}", fit.percentile)},
      {"noise_candidates", std::to_string(fit.noise_candidates)},
      {"bits", bits_rules_text(options_.bits)},
      {"best_without", parts_left_out(fit.best)},
      {"reparam", fit.reparam == Reparam::none ? "none" : fit.reparam == Reparam::repq ? "repq" : "os"},
      {"max_overhead", fmt::format("{}", fit.max_overhead)},
      {"propagate", options_.propagate == Propagate::fp32 ? "fp32" : "quantized"},
      {"patch_embed", options_.selection.patch_embed ? "true" : "false"},
      {"head", options_.selection.head ? "true" : "false"},
      {"products", options_.selection.products ? "true" : "false"},
      {"include", options_.selection.include},
      {"exclude", options_.selection.exclude},
  };
  if (options_.float32) recipe.options[kFloat32Option] = "true";
  if (!choice.input.empty()) recipe.options["input_name"] = choice.input;
  if (!choice.output.empty()) recipe.options["output_name"] = choice.output;
}

}  // namespace nq
