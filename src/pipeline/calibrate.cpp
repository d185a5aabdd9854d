#include "nq/calibrate.hpp"

#include <algorithm>
#include <functional>

#include "core/check.hpp"
#include "core/log.hpp"
#include "core/rng.hpp"
#include "core/stopwatch.hpp"
#include "data/image_list.hpp"
#include "nq/image_input.hpp"
#include "nq/quantize.hpp"
#include "nq/version.hpp"
#include "pipeline/calibration_statistics.hpp"
#include "pipeline/image_runner.hpp"
#include "pipeline/site_plan.hpp"

namespace nq {
namespace {

constexpr std::int64_t kLoadBatch = 16;

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
  Calibration(ModelFile model, const std::vector<Sample>& images, const Preprocess& preprocess,
              const CalibrationOptions& options, Progress& progress)
      : model_(std::move(model)), images_(images), preprocess_(preprocess), options_(options), progress_(progress),
        graph_(model_.to_graph()), input_(checked_input(graph_, preprocess, options)),
        plan_(specialize(graph_, specialize_images(input_)), options), capacity_(plan_.capacity()),
        products_(plan_.make_products(image_plan_batch(input_))) {
    NQ_CHECK(products_.empty() || options.save_statistics.empty(), usage,
             "a statistics file holds no attention products: leave out --save-stats or --quantize all");
    result_.sample_bytes = plan_.sample_bytes(capacity_) + products_.sample_bytes();
    log_info("statistics keep at most {} rows per layer, {} MiB in all", capacity_, result_.sample_bytes >> 20);
  }

  CalibrationResult run() {
    describe_recipe();
    if (options_.propagate == Propagate::fp32) fit_on_fp32_inputs();
    else fit_on_quantized_inputs();
    return std::move(result_);
  }

 private:
  static ImageInput checked_input(const Graph& graph, const Preprocess& preprocess, const CalibrationOptions& options) {
    ImageInput input = find_image_input(graph, options.input_shape);
    check_image_size(input, preprocess);
    return input;
  }

  /// One streaming pass: every image through the FP32 network, every group observed.
  void fit_on_fp32_inputs() {
    Observers observers;
    std::vector<ValueId> inputs;
    for (std::size_t group = 0; group < groups().size(); ++group) {
      observers.push_back(plan_.make_observer(group, capacity_));
      inputs.push_back(groups()[group].x);
    }
    std::vector<ValueId> tapped = inputs;
    for (const ValueId value : products_.values()) tapped.push_back(value);
    ImageRunner runner(make_plan(plan_.typed(), {tapped, tapped}), input_);
    stream_images([&](const Batch& batch) { observe(runner, batch, 0, observers, inputs); });
    if (!options_.save_statistics.empty()) observers = save(std::move(observers));
    const Stopwatch watch;
    append(plan_.fit_all(std::move(observers), progress_));
    plan_.fit_products(products_, false, result_.recipe);
    result_.phases.search += watch.seconds();
  }

  Observers save(Observers observers) {
    CalibrationStatistics statistics;
    statistics.model_sha256 = result_.recipe.model_sha256;
    statistics.preprocess = result_.recipe.preprocess;
    statistics.input_shapes = result_.recipe.input_shapes;
    statistics.images = image_lines_;
    statistics.images_read = result_.images;
    statistics.capacity = capacity_;
    statistics.selection = options_.selection;
    for (std::size_t group = 0; group < groups().size(); ++group) {
      statistics.groups.push_back({origins_of(groups()[group]), std::move(observers[group])});
    }
    save_statistics(options_.save_statistics, statistics);
    for (std::size_t group = 0; group < groups().size(); ++group) {
      observers[group] = std::move(statistics.groups[group].observer);
    }
    return observers;
  }

  /// Layer by layer: each group sees the inputs that the file written so far produces.
  void fit_on_quantized_inputs() {
    std::vector<Batch> batches;
    stream_images([&](const Batch& batch) { batches.push_back(batch); });
    progress_.begin("searching", static_cast<std::int64_t>(groups().size()), "sites");
    for (std::size_t index = 0; index < groups().size(); ++index) {
      const Stopwatch forward;
      Observers observers;
      observers.push_back(plan_.make_observer(index, capacity_));
      observe_prefix(index, batches, observers);
      result_.phases.forward += forward.seconds();
      const Stopwatch search;
      append(plan_.fit(index, observers.front()->finish()));
      result_.phases.search += search.seconds();
      progress_.advance(1);
    }
    if (!products_.empty()) fit_products_on_quantized_inputs(batches);
    progress_.end();
  }

  /// The products see what the file with every layer quantized makes.
  void fit_products_on_quantized_inputs(const std::vector<Batch>& batches) {
    const ModelFile written = quantize(model_, result_.recipe, {.fold_noise = options_.fold_noise});
    const TypedGraph typed = specialize(written.to_graph(), specialize_images(input_));
    products_.rebind(typed);
    ImageRunner runner(make_plan(typed, {products_.values(), products_.values()}), input_);
    Observers none;
    for (const Batch& batch : batches) observe(runner, batch, 0, none, {});
    plan_.fit_products(products_, true, result_.recipe);
  }

  void observe_prefix(std::size_t index, const std::vector<Batch>& batches, Observers& observers) {
    const ModelFile partial = quantize(model_, result_.recipe);
    const TypedGraph typed = specialize(partial.to_graph(), specialize_images(input_));
    const SiteSearch found = find_linear_sites(typed);
    const std::string& origin = groups()[index].leader().origin;
    const auto site = std::find_if(found.sites.begin(), found.sites.end(),
                                   [&](const LinearSite& candidate) { return candidate.origin == origin; });
    NQ_CHECK(site != found.sites.end(), internal, "layer '{}' is lost in the partly quantized model", origin);
    ImageRunner runner(make_plan(typed, {{site->x}, {site->x}}), input_);
    for (const Batch& batch : batches) observe(runner, batch, index, observers, {site->x});
  }

  void observe(ImageRunner& runner, const Batch& batch, std::size_t first_group, Observers& observers,
               const std::vector<ValueId>& values) {
    (void)runner.run(batch.images, [&](std::int64_t first, std::int64_t count, ValueId value, const TensorView& view) {
      observe_products(batch, first, count, value, view);
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (values[k] != value) continue;
        const RowSplitter rows(groups()[first_group + k].leader(), view, runner.plan_batch());
        for (std::int64_t slot = 0; slot < count; ++slot) {
          const std::size_t sample = batch.sample_index[static_cast<std::size_t>(first + slot)];
          observers[k]->observe(rows.image(slot), hash_name(images_[sample].name));
        }
      }
    });
  }

  void observe_products(const Batch& batch, std::int64_t first, std::int64_t count, ValueId value,
                        const TensorView& view) {
    std::vector<std::uint64_t> keys;
    for (std::int64_t slot = first; slot < first + count; ++slot) {
      keys.push_back(hash_name(images_[batch.sample_index[static_cast<std::size_t>(slot)]].name));
    }
    products_.observe(value, view, keys);
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

  void append(std::vector<SiteRecipe> recipes) {
    auto& sites = result_.recipe.sites;
    std::move(recipes.begin(), recipes.end(), std::back_inserter(sites));
  }

  void describe_recipe() {
    Recipe& recipe = result_.recipe;
    recipe.tool_version = version();
    recipe.model_sha256 = model_.sha256();
    recipe.preprocess = preprocess_to_json(preprocess_);
    recipe.input_shapes = specialize_images(input_).shapes;
    image_lines_ = image_lines(images_);
    recipe.image_list_sha256 = lines_sha256(image_lines_);
    plan_.record_options(recipe);
    record_run(recipe.options);
  }

  /// What differs from the default; replay needs it.
  void record_run(std::map<std::string, std::string>& record) const {
    if (!model_.choice().input.empty()) record["input_name"] = model_.choice().input;
    if (!model_.choice().output.empty()) record["output_name"] = model_.choice().output;
    if (options_.input_shape) record["input_shape"] = fmt::format("{}", fmt::join(*options_.input_shape, ","));
    if (options_.bad_images == BadImages::skip) {
      record["bad_images"] = "skip";
      record["listed_images"] = std::to_string(images_.size());
    }
    if (options_.max_sample_bytes != CalibrationOptions::kDefaultSampleBytes) {
      record["max_memory"] = std::to_string(options_.max_sample_bytes);
    }
  }

  const std::vector<SiteGroup>& groups() const { return plan_.groups(); }

  ModelFile model_;
  const std::vector<Sample>& images_;
  const Preprocess& preprocess_;
  const CalibrationOptions& options_;
  Progress& progress_;
  Graph graph_;
  ImageInput input_;
  SitePlan plan_;
  std::int64_t capacity_ = 0;
  ProductCalibration products_;
  std::vector<std::string> image_lines_;
  CalibrationResult result_;
};

}  // namespace

CalibrationResult calibrate(const ModelFile& model, const std::vector<Sample>& images,
                            const Preprocess& preprocess, const CalibrationOptions& options, Progress& progress) {
  return Calibration(options.float32 ? model.in_float32() : model, images, preprocess, options, progress).run();
}

}  // namespace nq
