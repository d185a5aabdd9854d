#include "nq/calibrate.hpp"

#include <algorithm>
#include <functional>
#include <mutex>

#include "core/check.hpp"
#include "core/log.hpp"
#include "core/parallel.hpp"
#include "core/rng.hpp"
#include "core/stopwatch.hpp"
#include "graph/readout_tokens.hpp"
#include "nq/image_input.hpp"
#include "nq/quantize.hpp"
#include "nq/version.hpp"
#include "pipeline/affine_fold.hpp"
#include "pipeline/group_fitter.hpp"
#include "pipeline/image_runner.hpp"
#include "pipeline/site_bits.hpp"

namespace nq {
namespace {

constexpr std::int64_t kMaxRowsPerSite = 8192;
constexpr std::int64_t kMinRowsPerSite = 256;
constexpr std::int64_t kLoadBatch = 16;

/// Rows per site that fit the memory budget. Throws Error(resource) when too few would.
std::int64_t rows_per_site(const std::vector<SiteGroup>& groups, std::uint64_t budget) {
  std::uint64_t row_bytes = 0;
  for (const SiteGroup& group : groups) row_bytes += SiteObserver::sample_bytes(group.c_in(), 8) / 8;
  const auto rows = static_cast<std::int64_t>(budget / std::max<std::uint64_t>(row_bytes, 1));
  if (rows < kMinRowsPerSite) {
    throw Error(ErrorKind::resource,
                fmt::format("calibration samples need at least {} bytes, the limit is {}",
                            row_bytes * kMinRowsPerSite, budget),
                "raise --max-memory, or quantize fewer layers with --include");
  }
  return std::min(rows, kMaxRowsPerSite);
}

/// Names of the parts that are switched off, with commas.
std::string parts_left_out(const BestParts& parts) {
  std::string text;
  for (const BestPart& part : best_parts()) {
    if (parts.*part.member) continue;
    text += (text.empty() ? "" : ",") + std::string(part.name);
  }
  return text;
}

/// Rows of `view` that belong to each real image of a chunk, passed on one image at a time.
class RowSplitter {
 public:
  RowSplitter(const LinearSite& site, const TensorView& view, std::int64_t plan_batch) : c_in_(site.c_in) {
    const bool in_place = view.dtype() == DType::f32 && site.kind != SiteKind::conv_patch && !site.x_transposed;
    if (!in_place) copy_ = site.input_rows(view);
    data_ = in_place ? view.as<float>() : copy_.data();
    rows_ = view.elements() / c_in_;
    // Sequence-first exports keep the batch in the second axis.
    interleaved_ = plan_batch > 1 && view.shape().rank() > 2 && view.shape()[0] != plan_batch &&
                   view.shape()[1] == plan_batch;
    NQ_CHECK(rows_ % plan_batch == 0, unsupported, "the input of '{}' mixes images of a batch", site.name);
    per_image_ = rows_ / plan_batch;
    plan_batch_ = plan_batch;
  }

  MatrixView image(std::int64_t slot) const {
    if (interleaved_) return {data_ + slot * c_in_, per_image_, c_in_, c_in_ * plan_batch_};
    return {data_ + slot * per_image_ * c_in_, per_image_, c_in_, c_in_};
  }

 private:
  std::int64_t c_in_;
  std::vector<float> copy_;
  const float* data_ = nullptr;
  std::int64_t rows_ = 0;
  std::int64_t per_image_ = 0;
  std::int64_t plan_batch_ = 1;
  bool interleaved_ = false;
};

class Calibration {
 public:
  Calibration(const ModelFile& model, const std::vector<Sample>& images, const Preprocess& preprocess,
              const CalibrationOptions& options, Progress& progress)
      : model_(model), images_(images), preprocess_(preprocess), options_(options), progress_(progress),
        method_(builtin_methods().get(options.method)), graph_(model.to_graph()),
        input_(find_image_input(graph_, options.input_shape)) {
    check_image_size(input_, preprocess);
    typed_ = specialize(graph_, specialize_images(input_));
    groups_ = group_sites(select_sites(find_linear_sites(typed_), options.selection, result_.recipe.skipped));
    NQ_CHECK(!groups_.empty(), unsupported, "the model has no linear layer to quantize with these options");
    fit_options_ = group_options(groups_, options);
    readout_ = find_readout_tokens(typed_);
    capacity_ = rows_per_site(groups_, options.max_sample_bytes);
    for (const SiteGroup& group : groups_) result_.sample_bytes += SiteObserver::sample_bytes(group.c_in(), capacity_);
    log_info("statistics keep at most {} rows per layer, {} MiB in all", capacity_, result_.sample_bytes >> 20);
  }

  CalibrationResult run() {
    describe_recipe();
    if (options_.propagate == Propagate::fp32) fit_on_fp32_inputs();
    else fit_on_quantized_inputs();
    return std::move(result_);
  }

 private:
  using Observers = std::vector<std::unique_ptr<SiteObserver>>;

  /// One streaming pass: every image through the FP32 network, every group observed.
  void fit_on_fp32_inputs() {
    Observers observers = make_observers(0, groups_.size());
    std::vector<ValueId> inputs;
    for (const SiteGroup& group : groups_) inputs.push_back(group.x);
    ImageRunner runner(make_plan(typed_, {inputs, inputs}), input_);
    stream_images([&](const Batch& batch) { observe(runner, batch, 0, observers, inputs); });
    const Stopwatch watch;
    progress_.begin("searching", static_cast<std::int64_t>(groups_.size()), "sites");
    std::vector<std::vector<SiteRecipe>> fitted(groups_.size());
    std::mutex progress_mutex;
    parallel_for(0, static_cast<std::int64_t>(groups_.size()), 1, [&](std::int64_t index, std::int64_t) {
      const auto at = static_cast<std::size_t>(index);
      fitted[at] = fit(at, observers[at]->finish());
      observers[at].reset();
      const std::lock_guard lock(progress_mutex);
      progress_.advance(1);
    });
    for (auto& recipes : fitted) append(std::move(recipes));
    progress_.end();
    result_.phases.search += watch.seconds();
  }

  /// Layer by layer: each group sees the inputs that the file written so far produces.
  void fit_on_quantized_inputs() {
    std::vector<Batch> batches;
    stream_images([&](const Batch& batch) { batches.push_back(batch); });
    progress_.begin("searching", static_cast<std::int64_t>(groups_.size()), "sites");
    for (std::size_t index = 0; index < groups_.size(); ++index) {
      const Stopwatch forward;
      Observers observers = make_observers(index, index + 1);
      observe_prefix(index, batches, observers);
      result_.phases.forward += forward.seconds();
      const Stopwatch search;
      append(fit(index, observers.front()->finish()));
      result_.phases.search += search.seconds();
      progress_.advance(1);
    }
    progress_.end();
  }

  void observe_prefix(std::size_t index, const std::vector<Batch>& batches, Observers& observers) {
    const ModelFile partial = quantize(model_, result_.recipe);
    const TypedGraph typed = specialize(partial.to_graph(), specialize_images(input_));
    const SiteSearch found = find_linear_sites(typed);
    const std::string& origin = groups_[index].leader().origin;
    const auto site = std::find_if(found.sites.begin(), found.sites.end(),
                                   [&](const LinearSite& candidate) { return candidate.origin == origin; });
    NQ_CHECK(site != found.sites.end(), internal, "layer '{}' is lost in the partly quantized model", origin);
    ImageRunner runner(make_plan(typed, {{site->x}, {site->x}}), input_);
    for (const Batch& batch : batches) observe(runner, batch, index, observers, {site->x});
  }

  void observe(ImageRunner& runner, const Batch& batch, std::size_t first_group, Observers& observers,
               const std::vector<ValueId>& values) {
    (void)runner.run(batch.images, [&](std::int64_t first, std::int64_t count, ValueId value, const TensorView& view) {
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (values[k] != value) continue;
        const RowSplitter rows(groups_[first_group + k].leader(), view, runner.plan_batch());
        for (std::int64_t slot = 0; slot < count; ++slot) {
          const std::size_t sample = batch.sample_index[static_cast<std::size_t>(first + slot)];
          observers[k]->observe(rows.image(slot), hash_name(images_[sample].name));
        }
      }
    });
  }

  void stream_images(const std::function<void(const Batch&)>& consume) {
    BatchLoader loader(images_, preprocess_, kLoadBatch, options_.bad_images);
    progress_.begin("calibrating", static_cast<std::int64_t>(images_.size()), "images");
    while (true) {
      const Stopwatch decode;
      const std::optional<Batch> batch = loader.next();
      result_.phases.decode += decode.seconds();
      if (!batch) break;
      const Stopwatch forward;
      consume(*batch);
      result_.phases.forward += forward.seconds();
      result_.images += static_cast<std::int64_t>(batch->sample_index.size());
      progress_.advance(static_cast<std::int64_t>(batch->sample_index.size()));
    }
    progress_.end();
    result_.skipped_images = loader.skipped();
    result_.recipe.calibration_images = result_.images;
  }

  Observers make_observers(std::size_t first, std::size_t last) const {
    Observers observers;
    for (std::size_t k = first; k < last; ++k) {
      std::vector<std::uint8_t> mask;
      if (readout_) mask = readout_->mask_for(typed_.type(groups_[k].x).shape);
      observers.push_back(std::make_unique<SiteObserver>(groups_[k].c_in(), capacity_, std::move(mask)));
    }
    return observers;
  }

  std::vector<SiteRecipe> fit(std::size_t index, const SiteStatistics& statistics) const {
    const auto fold = find_affine_fold(typed_, groups_[index]);
    SiteContext context;
    context.channel_scale_allowed = fold && !fold->scale_origin.empty();
    context.readout_only = readout_ && readout_->unmixed[static_cast<std::size_t>(groups_[index].x.index)] != 0;
    return fit_group(groups_[index], static_cast<int>(index), statistics, context, method_, fit_options_[index]);
  }

  void append(std::vector<SiteRecipe> recipes) {
    auto& sites = result_.recipe.sites;
    std::move(recipes.begin(), recipes.end(), std::back_inserter(sites));
  }

  void describe_recipe() {
    Recipe& recipe = result_.recipe;
    recipe.tool_version = version();
    recipe.model_sha256 = model_.sha256();
    recipe.method = options_.method;
    recipe.preprocess = preprocess_to_json(preprocess_);
    recipe.input_shapes = specialize_images(input_).shapes;
    recipe.seed = options_.fit.seed;
    recipe.image_list_sha256 = list_sha256(images_);
    const MethodOptions& fit = options_.fit;
    recipe.options = {
        {"wbits", std::to_string(fit.weight_bits)},
        {"abits", std::to_string(fit.activation_bits)},
        {"activation", fit.activation_symmetric ? "symmetric" : "asymmetric"},
        {"objective", fit.objective == Objective::mse ? "mse" : "cosine"},
        {"alpha", fmt::format("{}", fit.alpha)},
        {"beta", fmt::format("{}", fit.beta)},
        {"candidates", std::to_string(fit.candidates)},
        {"rounds", std::to_string(fit.rounds)},
        {"percentile", fmt::format("{}", fit.percentile)},
        {"noise_candidates", std::to_string(fit.noise_candidates)},
        {"bits", bits_rules_text(options_.bits)},
        {"best_without", parts_left_out(fit.best)},
        {"max_overhead", fmt::format("{}", fit.max_overhead)},
        {"propagate", options_.propagate == Propagate::fp32 ? "fp32" : "quantized"},
        {"patch_embed", options_.selection.patch_embed ? "true" : "false"},
        {"head", options_.selection.head ? "true" : "false"},
        {"include", options_.selection.include},
        {"exclude", options_.selection.exclude},
    };
  }

  const ModelFile& model_;
  const std::vector<Sample>& images_;
  const Preprocess& preprocess_;
  const CalibrationOptions& options_;
  Progress& progress_;
  const Method& method_;
  Graph graph_;
  ImageInput input_;
  TypedGraph typed_;
  std::vector<SiteGroup> groups_;
  std::vector<MethodOptions> fit_options_;  ///< per group
  std::optional<ReadoutTokens> readout_;
  std::int64_t capacity_ = 0;
  CalibrationResult result_;
};

}  // namespace

CalibrationResult calibrate(const ModelFile& model, const std::vector<Sample>& images,
                            const Preprocess& preprocess, const CalibrationOptions& options, Progress& progress) {
  return Calibration(model, images, preprocess, options, progress).run();
}

}  // namespace nq
