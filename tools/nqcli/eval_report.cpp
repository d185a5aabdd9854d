#include "eval_report.hpp"

#include <fmt/format.h>

#include "nq/number_text.hpp"
#include "report_forms.hpp"

namespace nq {

void add_figures(Json& document, const EvalReport& report, const GateLimits& limits) {
  const bool labelled = report.labelled > 0;
  document["images"] = report.images;
  document["labelled"] = report.labelled;
  document["classes"] = report.classes;
  document["top1"] = labelled ? Json(report.top1()) : Json();
  document["top5"] = labelled ? Json(report.top5()) : Json();
  document["top1_correct"] = report.top1_correct;
  document["top1_interval"] = nullptr;
  if (labelled) {
    const auto [low, high] = top1_interval(report.counts, limits.confidence);
    document["top1_interval"] = {{"confidence", limits.confidence}, {"low", low}, {"high", high}};
  }
  document["reference"] = nullptr;
  if (report.reference) document["reference"] = json_comparison(*report.reference, labelled);
}

std::string figures_text(const EvalReport& report, const GateLimits& limits) {
  std::string text = fmt::format("images     {}{}\n", report.images, skipped_text(report.skipped_images));
  if (report.labelled > 0) {
    const auto [low, high] = top1_interval(report.counts, limits.confidence);
    text += fmt::format("top-1      {} ({} of {}; {:g} % interval {:.2f} to {:.2f} %)\ntop-5      {}\n",
                        percent_text(report.top1()), report.top1_correct, report.labelled, 100 * limits.confidence,
                        100 * low, 100 * high, percent_text(report.top5()));
  } else {
    text += "top-1      - (no image has a label)\n";
  }
  if (report.reference) {
    text += comparison_text(*report.reference);
    if (report.labelled > 0)
      text += fmt::format("reference  top-1 {}\n", percent_text(report.reference->reference_top1));
  }
  return text;
}

Json json_parts(const EvalState& state) {
  Json list = Json::array();
  for (const EvalPart& part : state.parts) {
    list.push_back({{"shard", part.shard}, {"of", part.of}, {"samples", part.samples}, {"done", part.done}});
  }
  return list;
}

}  // namespace nq
