#include <cmath>

#include "core/check.hpp"
#include "nq/evaluate.hpp"

namespace nq {

void EvalCounts::add(const EvalCounts& other) {
  NQ_CHECK(classes == 0 || other.classes == 0 || classes == other.classes, usage,
           "counts over {} classes cannot be added to counts over {}", other.classes, classes);
  classes = std::max(classes, other.classes);
  images += other.images;
  labelled += other.labelled;
  top1_correct += other.top1_correct;
  top5_correct += other.top5_correct;
  compared += other.compared;
  agreeing += other.agreeing;
  reference_correct += other.reference_correct;
  both_correct += other.both_correct;
  squared_difference.add(other.squared_difference);
  squared_reference.add(other.squared_reference);
  fourth_difference.add(other.fourth_difference);
}

EvalReport report_of(const EvalCounts& counts) {
  EvalReport report;
  report.images = counts.images;
  report.labelled = counts.labelled;
  report.top1_correct = counts.top1_correct;
  report.top5_correct = counts.top5_correct;
  report.classes = counts.classes;
  report.counts = counts;
  if (counts.compared == 0) return report;
  const auto compared = static_cast<double>(counts.compared);
  ReferenceComparison comparison;
  comparison.logit_mse = counts.squared_difference.value() / compared;
  comparison.agreement = static_cast<double>(counts.agreeing) / compared;
  comparison.sqnr_db = 10.0 * std::log10(counts.squared_reference.value() / counts.squared_difference.value());
  if (counts.labelled > 0) {
    comparison.reference_top1 = static_cast<double>(counts.reference_correct) / static_cast<double>(counts.labelled);
  }
  report.reference = comparison;
  return report;
}

}  // namespace nq
