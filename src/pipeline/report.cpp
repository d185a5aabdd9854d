#include "nq/report.hpp"

#include <algorithm>
#include <set>

#include "core/check.hpp"
#include "nq/gates.hpp"
#include "nq/inspect.hpp"
#include "nq/version.hpp"
#include "pipeline/report_sites.hpp"
#include "pipeline/score_pass.hpp"
#include "pipeline/statistics.hpp"

namespace nq {
namespace {

/// Metadata that says how a file was made, in the order in which it is shown.
constexpr const char* kProvenanceKeys[] = {"nqcli.method",  "nqcli.options",            "nqcli.version",
                                           "nqcli.seed",    "nqcli.calibration_images", "nqcli.image_list_sha256",
                                           "nqcli.source_sha256"};

std::pair<double, double> interval(std::int64_t correct, std::int64_t labelled, double confidence) {
  const Interval found = wilson_interval(correct, labelled, confidence);
  return {found.low, found.high};
}

ReportModel describe_model(const ReportSubject& subject, EvalReport eval, const ReportOptions& options, Progress& progress) {
  ReportModel result;
  const ModelFile& model = *subject.model;
  result.label = subject.label;
  result.file = model.path().string();
  result.sha256 = model.sha256();
  result.bytes = model.stored_bytes();
  for (const char* key : kProvenanceKeys) {
    if (const auto text = model.metadata(key)) result.provenance.emplace_back(key, *text);
  }
  InspectOptions inspect_options;
  inspect_options.input_shape = options.input_shape;
  const Inspection inspection = inspect(model, inspect_options);
  result.quantized = quantized_set_text(inspection);
  result.noise = inspection.noise;
  result.top1_interval = interval(eval.top1_correct, eval.labelled, options.confidence);
  result.top5_interval = interval(eval.top5_correct, eval.labelled, options.confidence);
  result.eval = std::move(eval);
  if (options.speed) {
    BenchOptions bench_options;
    bench_options.input_shape = options.input_shape;
    bench_options.kernels = options.kernels;
    result.speed = bench(model, bench_options, progress);
  }
  return result;
}

}  // namespace

std::optional<double> Report::reduction(std::size_t model) const {
  if (model == 0 || !models[0].eval.reference || !models[model].eval.reference) return std::nullopt;
  const double first = models[0].eval.reference->logit_mse;
  if (first == 0) return std::nullopt;
  return 1.0 - models[model].eval.reference->logit_mse / first;
}

Report make_report(const ReportSubject& reference, const std::vector<ReportSubject>& models, const ReportImages& images,
                   const Preprocess& preprocess, const ReportOptions& options, Progress& progress) {
  NQ_CHECK(!models.empty(), usage, "a report needs a model to compare with the reference");
  ScorePass scores = score_images(*reference.model, models, images.all, preprocess, options, progress);
  draw_pictures(images.all, scores.pictures);
  Report report;
  report.version = version();
  report.preprocess = preprocess_to_json(preprocess);
  report.preprocess_source = preprocess.source;
  report.image_list_sha256 = list_sha256(images.all);
  report.images = scores.reference.images;
  report.classes = scores.reference.classes;
  report.confidence = options.confidence;
  report.disagreements = scores.disagreements;
  report.worst = std::move(scores.worst);
  report.pictures = std::move(scores.pictures);
  report.skipped_images = std::move(scores.skipped);
  report.reference = describe_model(reference, std::move(scores.reference), options, progress);
  for (std::size_t k = 0; k < models.size(); ++k) {
    report.models.push_back(describe_model(models[k], std::move(scores.models[k]), options, progress));
  }
  if (images.layers.empty()) return report;
  SiteReport sites = report_sites(reference, models, images.layers, preprocess, options, progress);
  report.sites = std::move(sites.sites);
  report.layer_images = sites.images;
  for (std::size_t k = 0; k < models.size(); ++k) report.models[k].unmatched = std::move(sites.unmatched[k]);
  return report;
}

}  // namespace nq
