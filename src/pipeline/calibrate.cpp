#include "nq/calibrate.hpp"

#include <algorithm>
#include <functional>
#include <set>

#include "core/check.hpp"
#include "core/heap.hpp"
#include "core/log.hpp"
#include "core/rng.hpp"
#include "core/stopwatch.hpp"
#include "data/image_list.hpp"
#include "nq/image_input.hpp"
#include "nq/quantize.hpp"
#include "nq/version.hpp"
#include "pipeline/calibration_estimate.hpp"
#include "pipeline/calibration_state.hpp"
#include "pipeline/calibration_statistics.hpp"
#include "pipeline/image_runner.hpp"
#include "pipeline/image_stream.hpp"
#include "pipeline/logits.hpp"
#include "pipeline/row_splitter.hpp"
#include "pipeline/site_plan.hpp"

namespace nq {
namespace {

const std::vector<ValueId> kTapsAlone;  ///< targets of a run that only its taps are wanted of

class Calibration {
 public:
  Calibration(ModelFile model, const std::vector<Sample>& images, const Preprocess& preprocess,
              const CalibrationOptions& options, Progress& progress)
      : model_(std::move(model)), images_(images), preprocess_(preprocess), options_(options), progress_(progress),
        graph_(model_.to_graph()), input_(checked_input(graph_, preprocess, options)),
        plan_(specialize(graph_, specialize_images(input_)), options), capacity_(plan_.capacity()),
        products_(plan_.make_products(image_plan_batch(input_))), save_interval_s_(options.save_every_s) {
    result_.sample_bytes = plan_.sample_bytes(capacity_) + products_.sample_bytes();
    log_info("statistics keep at most {} rows per layer, {} MiB in all", capacity_, result_.sample_bytes >> 20);
  }

  CalibrationResult run() {
    map_large_blocks();
    describe_recipe();
    if (!options_.state.empty()) state_.emplace(options_.state, identify_calibration(result_.recipe, input_.shape(1), capacity_, options_));
    try {
      if (options_.propagate == Propagate::fp32) fit_on_fp32_inputs();
      else fit_on_quantized_inputs();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::interrupted || !state_) throw;
      throw error.with_frame(fmt::format("{} of {} images are kept in '{}'; the same command goes on",
                                         state_->progress().consumed, images_.size(), state_->folder().string()));
    }
    return std::move(result_);
  }

 private:
  static ImageInput checked_input(const Graph& graph, const Preprocess& preprocess, const CalibrationOptions& options) {
    ImageInput input = find_image_input(graph, options.input_shape);
    check_image_size(input, preprocess);
    return input;
  }

  void fit_on_fp32_inputs() {
    Observers observers = observe_fp32_inputs();
    const Stopwatch watch;
    append(plan_.fit_all(std::move(observers), progress_, state_ ? &*state_ : nullptr));
    plan_.fit_products(products_, false, result_.recipe);
    result_.phases.search += watch.seconds();
  }

  /// One streaming pass: every image through the FP32 network, every group observed. The network's packed weights are let go
  /// at its end.
  Observers observe_fp32_inputs() {
    Observers observers;
    std::vector<ValueId> inputs;
    for (std::size_t group = 0; group < groups().size(); ++group) {
      observers.push_back(plan_.make_observer(group, capacity_));
      inputs.push_back(groups()[group].x);
    }
    const CalibrationProgress start = go_on(observers);
    for (std::size_t group = 0; group < groups().size(); ++group) expect_rows(group, *observers[group]);
    std::vector<ValueId> tapped = inputs;
    for (const ValueId value : products_.values()) tapped.push_back(value);
    for (const Sample& sample : compared_images(images_)) compared_.insert(sample.name);
    const bool keeps_logits = gives_plain_logits(tapped);
    ImageRunner runner(make_plan(plan_.typed(), {tapped, std::vector{plan_.typed().graph.outputs.front()}}), input_);
    check_memory(observers, runner.arena_bytes());
    const auto keep = [&](const CalibrationProgress& now) { save_state(observers, now); };
    const auto consume = [&](const Batch& batch) {
      keep_compared(batch, observe_all(runner, batch, observers, inputs), keeps_logits);
    };
    stream_images(consume, start, keep);
    if (!options_.save_statistics.empty()) {
      with_statistics(observers, {static_cast<std::int64_t>(images_.size()), result_.images, {}},
                      [&](const CalibrationStatistics& all) { save_statistics(options_.save_statistics, all); });
    }
    return observers;
  }

  SampledRows sampled_rows(std::size_t group, const SiteObserver& observer) const {
    const auto images = static_cast<std::int64_t>(images_.size());
    const auto& readout = observer.readout();
    const std::int64_t tokens = groups()[group].leader().tokens / image_plan_batch(input_);
    return {capacity_, tokens * images, std::count(readout.begin(), readout.end(), 1) * images};
  }

  /// Where images may be left out nobody knows how many rows there will be.
  void expect_rows(std::size_t group, SiteObserver& observer) const {
    if (options_.bad_images != BadImages::skip) observer.expect(sampled_rows(group, observer).tokens);
  }

  /// Says what the calibration will take, and ends it before it starts when that is not there.
  void check_memory(const Observers& observers, std::size_t arena_bytes) const {
    const auto rows = [&](std::size_t group) { return sampled_rows(group, *observers[group]); };
    CalibrationEstimate estimate = estimate_memory(plan_.typed(), groups(), rows, options_.method, arena_bytes);
    estimate.sample_bytes += products_.sample_bytes();
    check_available_memory(estimate, "use fewer --threads, or quantize fewer layers with --include");
  }

  /// The same before a calibration on quantized inputs.
  void check_propagated_memory() const {
    const auto rows = [&](std::size_t group) { return sampled_rows(group, *plan_.make_observer(group, capacity_)); };
    CalibrationEstimate estimate =
        estimate_propagated_memory(plan_.typed(), groups(), rows, options_.method, measure_arena(plan_.typed()),
                                   static_cast<std::int64_t>(images_.size()));
    estimate.sample_bytes += products_.sample_bytes();
    check_available_memory(estimate, "calibrate on fewer images with --num-images, or use fewer --threads");
  }

  /// Takes up what the state keeps; returns how far it is.
  CalibrationProgress go_on(Observers& observers) {
    auto kept = state_ ? state_->load_statistics() : std::nullopt;
    if (!kept) return {};
    observers = take_observers(*kept, groups(), fmt::format("the statistics in '{}'", state_->folder().string()));
    products_ = plan_.restore_products(kept->products, image_plan_batch(input_));
    log_info("going on from '{}': {} of {} images are done", state_->folder().string(), state_->progress().consumed,
             images_.size());
    return state_->progress();
  }

  /// Saves when it is time, or all images are done. A save may take a tenth of the time at most.
  void save_state(Observers& observers, const CalibrationProgress& now) {
    if (!state_ || now.images == 0) return;
    const bool complete = now.consumed == static_cast<std::int64_t>(images_.size());
    if (complete ? state_->progress().consumed == now.consumed : since_save_.seconds() < save_interval_s_) return;
    const Stopwatch watch;
    with_statistics(observers, now,
                    [&](const CalibrationStatistics& seen) { state_->save(seen, now); });
    if (options_.save_every_s > 0) save_interval_s_ = std::max(options_.save_every_s, 10 * watch.seconds());
    since_save_ = Stopwatch();
  }

  void with_statistics(Observers& observers, const CalibrationProgress& seen,
                       const std::function<void(const CalibrationStatistics&)>& use) {
    CalibrationStatistics statistics;
    statistics.model_sha256 = result_.recipe.model_sha256;
    statistics.preprocess = result_.recipe.preprocess;
    statistics.input_shapes = result_.recipe.input_shapes;
    // Both lists are in name order.
    statistics.images.assign(image_lines_.begin(), image_lines_.begin() + seen.consumed);
    statistics.images_read = seen.images;
    statistics.capacity = capacity_;
    statistics.selection = options_.selection;
    for (std::size_t group = 0; group < groups().size(); ++group) {
      statistics.groups.push_back({origins_of(groups()[group]), std::move(observers[group])});
    }
    statistics.products = products_.statistics();
    use(statistics);
    for (std::size_t group = 0; group < groups().size(); ++group) {
      observers[group] = std::move(statistics.groups[group].observer);
    }
  }

  /// Layer by layer: each group sees the inputs that the file written so far produces.
  void fit_on_quantized_inputs() {
    check_propagated_memory();
    std::vector<Batch> batches;
    stream_images([&](const Batch& batch) { batches.push_back(batch); }, {}, [](const CalibrationProgress&) {});
    progress_.begin("searching", static_cast<std::int64_t>(groups().size()), "sites");
    for (std::size_t index = 0; index < groups().size(); ++index) {
      if (auto fitted = state_ ? state_->find_fit(index) : std::nullopt) {
        append(std::move(*fitted));
        progress_.advance(1);
        continue;
      }
      const Stopwatch forward;
      auto observer = plan_.make_observer(index, capacity_);
      expect_rows(index, *observer);
      observe_prefix(index, batches, *observer);
      result_.phases.forward += forward.seconds();
      const Stopwatch search;
      plan_.warn_of_odd_numbers(index, *observer);
      std::vector<SiteRecipe> fitted = plan_.fit(index, std::move(observer));
      if (state_) state_->keep_fit(index, fitted);
      append(std::move(fitted));
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
    ImageRunner runner(make_plan(typed, {products_.values(), kTapsAlone}), input_);
    Observers none;
    for (const Batch& batch : batches) (void)observe_all(runner, batch, none, {});
    plan_.fit_products(products_, true, result_.recipe);
  }

  /// The products are no part of this: their values are those of the float graph, not of the one written so far.
  void observe_prefix(std::size_t index, const std::vector<Batch>& batches, SiteObserver& observer) const {
    const ModelFile partial = quantize(model_, result_.recipe);
    const TypedGraph typed = specialize(partial.to_graph(), specialize_images(input_));
    const SiteSearch found = find_linear_sites(typed);
    const std::string& origin = groups()[index].leader().origin;
    const auto site = std::find_if(found.sites.begin(), found.sites.end(),
                                   [&](const LinearSite& candidate) { return candidate.origin == origin; });
    NQ_CHECK(site != found.sites.end(), internal, "layer '{}' is lost in the partly quantized model", origin);
    ImageRunner runner(make_plan(typed, {{site->x}, kTapsAlone}), input_);
    for (const Batch& batch : batches) {
      (void)runner.run(batch.images, [&](std::int64_t first, std::int64_t count, ValueId, const TensorView& view) {
        observe_group(index, {batch, first, count, view}, runner.plan_batch(), observer);
      });
    }
  }

  /// The inputs of the groups are `inputs`, values of the graph that runs, as are those of the products. Returns what the run
  /// returns.
  Tensor observe_all(ImageRunner& runner, const Batch& batch, Observers& observers, const std::vector<ValueId>& inputs) {
    return runner.run(batch.images, [&](std::int64_t first, std::int64_t count, ValueId value, const TensorView& view) {
      observe_products({batch, first, count, view}, value);
      for (std::size_t group = 0; group < inputs.size(); ++group) {
        if (inputs[group] == value) observe_group(group, {batch, first, count, view}, runner.plan_batch(), *observers[group]);
      }
    });
  }

  /// A tapped value of the images [first, first + count) of a batch.
  struct Tapped {
    const Batch& batch;
    std::int64_t first;
    std::int64_t count;
    const TensorView& view;
  };

  void observe_group(std::size_t group, const Tapped& tapped, std::int64_t plan_batch, SiteObserver& observer) const {
    const RowSplitter rows(groups()[group].leader(), tapped.view, plan_batch);
    for (std::int64_t slot = 0; slot < tapped.count; ++slot) observer.observe(rows.image(slot), image_key(tapped, slot));
  }

  std::uint64_t image_key(const Tapped& tapped, std::int64_t slot) const {
    return hash_name(images_[tapped.batch.sample_index[static_cast<std::size_t>(tapped.first + slot)]].name);
  }

  /// Whether the pass gives the float outputs that the written model is compared with: those of a run without taps, to the
  /// bit, and of this model, which with options.float32 is another one.
  bool gives_plain_logits(const std::vector<ValueId>& tapped) const {
    return !options_.float32 && fuses_around(plan_.typed(), tapped);
  }

  /// Keeps images that the written model will be compared on, and what the float model says of them.
  void keep_compared(const Batch& batch, const Tensor& logits, bool keeps_logits) {
    const auto pixels = batch.images.span<float>();
    const std::size_t size = pixels.size() / batch.sample_index.size();
    for (std::size_t slot = 0; slot < batch.sample_index.size(); ++slot) {
      const std::string& name = images_[batch.sample_index[slot]].name;
      if (!compared_.contains(name)) continue;
      ComparedImage& kept = result_.compared[name];
      if ((kept_pixels_ += size * sizeof(float)) <= kMostKeptPixelBytes) {
        const auto image = pixels.subspan(slot * size, size);
        kept.pixels.assign(image.begin(), image.end());
      }
      if (!keeps_logits) continue;
      const auto values = image_logits(logits, slot);
      kept.logits.assign(values.begin(), values.end());
    }
  }

  void observe_products(const Tapped& tapped, ValueId value) {
    std::vector<std::uint64_t> keys;
    for (std::int64_t slot = 0; slot < tapped.count; ++slot) keys.push_back(image_key(tapped, slot));
    products_.observe(value, tapped.view, keys);
  }

  /// Every image from `start` on; `keep` learns after every batch how far the pass is.
  void stream_images(const ImageStream::Consume& consume, CalibrationProgress start, const ImageStream::Keep& keep) {
    const ImageStream stream(images_, preprocess_, options_.bad_images);
    const CalibrationProgress end = stream.run(std::move(start), consume, keep, result_.phases, progress_);
    result_.images = end.images;
    result_.skipped_images = end.skipped;
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
    plan_.record_options(model_.choice(), recipe);
    record_run(recipe.options);
  }

  /// What differs from the default; replay needs it.
  void record_run(std::map<std::string, std::string>& record) const {
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
  std::set<std::string> compared_;  ///< images that the written model will be compared on
  std::uint64_t kept_pixels_ = 0;   ///< bytes of them that were kept, or would have been
  std::optional<CalibrationState> state_;
  Stopwatch since_save_;
  double save_interval_s_;
  CalibrationResult result_;
};

}  // namespace

std::vector<Sample> compared_images(const std::vector<Sample>& images) {
  const std::size_t count = std::min<std::size_t>(images.size(), kMostComparedImages);
  std::vector<Sample> chosen;
  for (std::size_t k = 0; k < count; ++k) chosen.push_back(images[(2 * k + 1) * images.size() / (2 * count)]);
  return chosen;
}

CalibrationResult calibrate(const ModelFile& model, const std::vector<Sample>& images,
                            const Preprocess& preprocess, const CalibrationOptions& options, Progress& progress) {
  return Calibration(options.float32 ? model.in_float32() : model, images, preprocess, options, progress).run();
}

}  // namespace nq
