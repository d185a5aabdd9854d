#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nq/evaluate.hpp"

namespace nq {

/// What a release asks of an evaluation. Fractions lie in 0..1.
struct GateLimits {
  std::optional<double> min_top1;
  std::optional<double> max_drop;       ///< of top-1 against the reference, on the same images
  std::optional<double> min_agreement;  ///< with the reference's top-1 class
  std::optional<double> max_logit_mse;  ///< against the reference
  double confidence = 0.95;             ///< of intervals and of early decisions
  bool proven = false;                  ///< a gate passes only when its whole interval does

  bool any() const noexcept { return min_top1 || max_drop || min_agreement || max_logit_mse; }
  bool need_reference() const noexcept { return max_drop || min_agreement || max_logit_mse; }
  bool need_labels() const noexcept { return min_top1 || max_drop; }
};

/// The images that an evaluation is about, seen or not.
struct EvalPopulation {
  std::int64_t images = 0;
  std::int64_t labelled = 0;
};

struct GateResult {
  std::string name;  ///< as on the command line: "min-top1"
  double limit = 0;
  double value = 0;
  double low = 0;   ///< interval around the value at the stated confidence
  double high = 0;
  std::optional<double> p_value;  ///< McNemar, for max-drop
  bool passed = false;
  bool decided = false;    ///< the limit lies outside the interval
  bool is_early = false;   ///< decided before all images were seen
  std::string statement;   ///< one sentence with figures
};

/// Wilson interval of the top-1 accuracy, as (low, high).
std::pair<double, double> top1_interval(const EvalCounts& counts, double confidence);

/// Judges complete counts. Throws Error(usage) when a gate has nothing to judge: no labels, no reference.
std::vector<GateResult> judge_gates(const EvalCounts& counts, const GateLimits& limits);

/// Asked after every image by an evaluation that may stop early: which gates are decided for the whole
/// population, at the stated confidence.
class SequentialGates {
 public:
  SequentialGates(const GateLimits& limits, EvalPopulation population) : limits_(limits), population_(population) {}

  /// False once every gate is decided, or one has failed for sure.
  bool go_on(const EvalCounts& counts) const;

  /// As judge_gates, with early decisions where images are left.
  std::vector<GateResult> judge(const EvalCounts& counts) const;

 private:
  std::vector<std::optional<bool>> decisions(const EvalCounts& counts) const;

  GateLimits limits_;
  EvalPopulation population_;
};

/// All gates passed.
bool all_passed(const std::vector<GateResult>& gates);

/// Error(gate) that names the failed gates with their figures.
void throw_failed_gates(const std::vector<GateResult>& gates);

}  // namespace nq
