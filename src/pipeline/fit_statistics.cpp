#include "core/check.hpp"
#include "core/stopwatch.hpp"
#include "data/image_list.hpp"
#include "nq/calibrate.hpp"
#include "nq/executor.hpp"
#include "nq/version.hpp"
#include "pipeline/calibration_statistics.hpp"
#include "pipeline/site_plan.hpp"

namespace nq {

namespace {

/// Batch of the image input when the layers were found: the first dimension of its shape.
std::int64_t planned_batch(const CalibrationStatistics& statistics) {
  const auto& shapes = statistics.input_shapes;
  NQ_CHECK(shapes.size() == 1 && shapes.begin()->second.rank() > 0 && shapes.begin()->second[0] > 0, input,
           "the statistics have no batch of images");
  return shapes.begin()->second[0];
}

}  // namespace

CalibrationResult fit_statistics(const ModelFile& given, const std::filesystem::path& path, CalibrationOptions options,
                                 const std::optional<SiteSelection>& asked, Progress& progress) {
  const ModelFile model = options.float32 ? given.in_float32() : given;
  CalibrationStatistics statistics = load_statistics(path);
  NQ_CHECK(statistics.model_sha256 == model.sha256(), input,
           "the statistics '{}' were taken from another model (sha256 {}..., this one is {}...)", path.string(),
           statistics.model_sha256.substr(0, 12), model.sha256().substr(0, 12));
  if (asked && !same_selection(*asked, statistics.selection)) {
    throw Error(ErrorKind::input,
                fmt::format("the statistics '{}' were taken with {}, not with {}", path.string(),
                            selection_text(statistics.selection), selection_text(*asked)),
                "leave the choice of layers to the statistics, or take new ones with calibrate --save-stats");
  }
  options.selection = statistics.selection;
  options.propagate = Propagate::fp32;
  const SitePlan plan(specialize(model.to_graph(), {statistics.input_shapes, {}}), options);
  Observers observers = take_observers(statistics, plan.groups(), fmt::format("the statistics '{}'", path.string()));
  CalibrationResult result;
  Recipe& recipe = result.recipe;
  recipe.tool_version = version();
  recipe.model_sha256 = statistics.model_sha256;
  recipe.preprocess = statistics.preprocess;
  recipe.input_shapes = statistics.input_shapes;
  recipe.image_list_sha256 = lines_sha256(statistics.images);
  recipe.calibration_images = result.images = statistics.images_read;
  result.sample_bytes = plan.sample_bytes(statistics.capacity);
  plan.record_options(model.choice(), recipe);
  const ProductCalibration products = plan.restore_products(statistics.products, planned_batch(statistics));
  const Stopwatch watch;
  recipe.sites = plan.fit_all(std::move(observers), progress);
  plan.fit_products(products, false, recipe);
  result.phases.search = watch.seconds();
  return result;
}

}  // namespace nq
