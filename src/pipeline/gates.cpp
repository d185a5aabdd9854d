#include "nq/gates.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "pipeline/sequential_test.hpp"
#include "pipeline/statistics.hpp"

namespace nq {
namespace {

double fraction(std::int64_t part, std::int64_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

std::string percent(double value) { return fmt::format("{:.2f} %", 100 * value); }

std::string interval_text(double low, double high, double confidence, bool as_percent) {
  const std::string range = as_percent ? fmt::format("{:.2f} to {:.2f} %", 100 * low, 100 * high)
                                       : fmt::format("{:.4g} to {:.4g}", low, high);
  return fmt::format("{:g} % interval {}", 100 * confidence, range);
}

/// A gate of one figure, before it is judged.
GateResult measure(std::string name, double limit, double value, Interval interval) {
  GateResult gate;
  gate.name = std::move(name);
  gate.limit = limit;
  gate.value = value;
  gate.low = interval.low;
  gate.high = interval.high;
  return gate;
}

void settle(GateResult& gate, bool is_minimum, const GateLimits& limits, const std::string& what) {
  const bool point = is_minimum ? gate.value >= gate.limit : gate.value <= gate.limit;
  const bool whole = is_minimum ? gate.low >= gate.limit : gate.high <= gate.limit;
  gate.decided = gate.low > gate.limit || gate.high < gate.limit;
  gate.passed = limits.proven ? whole : point;
  const bool is_percent = gate.name != "max-logit-mse";
  const auto figure = [&](double value) { return is_percent ? percent(value) : fmt::format("{:.6g}", value); };
  gate.statement = fmt::format("{} {} is {} {} ({}{}), {}", what, figure(gate.value),
                               gate.value >= gate.limit ? "at or above" : "below", figure(gate.limit),
                               interval_text(gate.low, gate.high, limits.confidence, is_percent),
                               gate.p_value ? fmt::format(", McNemar p = {:.3g}", *gate.p_value) : "",
                               gate.decided ? "outside the uncertainty" : "within the uncertainty");
}

GateResult judge_drop(const EvalCounts& counts, const GateLimits& limits) {
  GateResult gate = measure("max-drop", *limits.max_drop, fraction(counts.lost() - counts.gained(), counts.labelled),
                            paired_interval(counts.lost(), counts.gained(), counts.labelled, limits.confidence));
  gate.p_value = mcnemar_p_value(counts.lost(), counts.gained());
  settle(gate, false, limits, fmt::format("top-1 drop over {} images", counts.labelled));
  return gate;
}

GateResult judge_mse(const EvalCounts& counts, const GateLimits& limits) {
  const double sum = counts.squared_difference.value();
  GateResult gate = measure("max-logit-mse", *limits.max_logit_mse, sum / static_cast<double>(counts.compared),
                            mean_interval(sum, counts.fourth_difference.value(), counts.compared, limits.confidence));
  settle(gate, false, limits, fmt::format("logit MSE over {} images", counts.compared));
  return gate;
}

GateResult judge_fraction(std::string name, double limit, std::int64_t part, std::int64_t whole, const GateLimits& limits,
                          const char* what) {
  GateResult gate = measure(std::move(name), limit, fraction(part, whole), wilson_interval(part, whole, limits.confidence));
  settle(gate, true, limits, fmt::format("{} over {} images", what, whole));
  return gate;
}

void check_data(const EvalCounts& counts, const GateLimits& limits) {
  NQ_CHECK(!limits.need_labels() || counts.labelled > 0, usage, "a gate on top-1 needs labels, and no image has one");
  NQ_CHECK(!limits.need_reference() || counts.compared == counts.images, usage, "a gate against a reference needs --reference");
}

}  // namespace

std::pair<double, double> top1_interval(const EvalCounts& counts, double confidence) {
  const Interval interval = wilson_interval(counts.top1_correct, counts.labelled, confidence);
  return {interval.low, interval.high};
}

std::vector<GateResult> judge_gates(const EvalCounts& counts, const GateLimits& limits) {
  check_data(counts, limits);
  std::vector<GateResult> gates;
  if (limits.min_top1) {
    gates.push_back(judge_fraction("min-top1", *limits.min_top1, counts.top1_correct, counts.labelled, limits, "top-1"));
  }
  if (limits.max_drop) gates.push_back(judge_drop(counts, limits));
  if (limits.min_agreement) {
    gates.push_back(
        judge_fraction("min-agreement", *limits.min_agreement, counts.agreeing, counts.compared, limits, "agreement"));
  }
  if (limits.max_logit_mse) gates.push_back(judge_mse(counts, limits));
  return gates;
}

std::vector<std::optional<bool>> SequentialGates::decisions(const EvalCounts& counts) const {
  const double alpha = 1 - limits_.confidence;
  std::vector<std::optional<bool>> result;
  if (limits_.min_top1) {
    result.push_back(
        fraction_reaches(*limits_.min_top1, counts.top1_correct, counts.labelled, population_.labelled, alpha));
  }
  if (limits_.max_drop) {
    result.push_back(drop_stays_below(*limits_.max_drop, counts.lost(), counts.gained(), counts.labelled,
                                      population_.labelled, alpha));
  }
  if (limits_.min_agreement) {
    result.push_back(
        fraction_reaches(*limits_.min_agreement, counts.agreeing, counts.compared, population_.images, alpha));
  }
  if (limits_.max_logit_mse) {
    result.push_back(mean_stays_below(*limits_.max_logit_mse, counts.squared_difference.value(),
                                      counts.fourth_difference.value(), counts.compared, population_.images, alpha));
  }
  return result;
}

bool SequentialGates::go_on(const EvalCounts& counts) const {
  bool is_open = false;
  for (const auto& decision : decisions(counts)) {
    if (decision == false) return false;
    is_open = is_open || !decision;
  }
  return is_open;
}

std::vector<GateResult> SequentialGates::judge(const EvalCounts& counts) const {
  std::vector<GateResult> gates = judge_gates(counts, limits_);
  if (counts.images >= population_.images) return gates;
  const auto early = decisions(counts);
  for (std::size_t k = 0; k < gates.size(); ++k) {
    GateResult& gate = gates[k];
    gate.is_early = early[k].has_value();
    gate.decided = gate.is_early;
    // What is open when another gate has failed is not claimed to pass.
    gate.passed = early[k].value_or(false);
    gate.statement += gate.is_early
                          ? fmt::format("; decided after {} of {} images: at {:g} % confidence all of them {}", counts.images,
                                        population_.images, 100 * limits_.confidence, gate.passed ? "pass" : "fail")
                          : fmt::format("; open after {} of {} images", counts.images, population_.images);
  }
  return gates;
}

bool all_passed(const std::vector<GateResult>& gates) {
  return std::all_of(gates.begin(), gates.end(), [](const GateResult& gate) { return gate.passed; });
}

void throw_failed_gates(const std::vector<GateResult>& gates) {
  std::string text;
  for (const GateResult& gate : gates) {
    if (!gate.passed) text += fmt::format("{}--{}: {}", text.empty() ? "" : "; ", gate.name, gate.statement);
  }
  if (!text.empty()) throw Error(ErrorKind::gate, text);
}

}  // namespace nq
