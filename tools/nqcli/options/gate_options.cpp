#include "options/gate_options.hpp"

#include <fmt/format.h>

#include "gate_reports.hpp"
#include "log_output.hpp"
#include "nq/error.hpp"
#include "nq/output_file.hpp"
#include "options/fraction_option.hpp"
#include "output_check.hpp"

namespace nq {
namespace {

constexpr const char* kGateGroup = "Gates";

void add_fraction(CLI::App& command, const std::string& flag, std::optional<double>& target, const std::string& help) {
  add_fraction_option(command, flag, target, help)->group(kGateGroup);
}

}  // namespace

void GateOptions::add_to(CLI::App& command) {
  add_fraction(command, "--min-top1", limits.min_top1, "Fail (exit code 5) below this top-1, as 0.75 or 75%");
  add_fraction(command, "--max-drop", limits.max_drop,
               "Fail when top-1 is lower than the reference's on the same images by more than this");
  add_fraction(command, "--min-agreement", limits.min_agreement,
               "Fail when fewer images than this have the reference's top-1 class");
  command
      .add_option("--max-logit-mse", limits.max_logit_mse,
                  "Fail when the mean squared difference from the reference's logits is larger")
      ->check(CLI::NonNegativeNumber)
      ->type_name("FLOAT")
      ->group(kGateGroup);
  command.add_option("--confidence", limits.confidence, "Of intervals and of early decisions")
      ->check(CLI::Range(0.5, 0.999999))
      ->type_name("0.5..1")
      ->capture_default_str()
      ->group(kGateGroup);
  command
      .add_flag("--proven", limits.proven,
                "A gate passes only when its whole interval does, not the measured value alone")
      ->group(kGateGroup);
  command.add_option("--junit", junit, "Write the verdicts as JUnit XML")->type_name("FILE")->group(kGateGroup);
  command.add_option("--annotate", annotate, "Print the verdicts on stderr as annotations of a CI system")
      ->check(CLI::IsMember({"github"}))
      ->group(kGateGroup);
}

void GateOptions::check(bool has_reference) const {
  if (limits.need_reference() && !has_reference) {
    throw Error(ErrorKind::usage, "a gate against a reference needs --reference");
  }
  if (!limits.any() && (!junit.empty() || !annotate.empty())) {
    throw Error(ErrorKind::usage, "--junit and --annotate report gates, and no gate is given",
                "--min-top1, --max-drop, --min-agreement or --max-logit-mse");
  }
  if (!junit.empty()) check_output(junit, {});
}

Json json_gates(const std::vector<GateResult>& gates) {
  Json list = Json::array();
  for (const GateResult& gate : gates) {
    list.push_back({{"name", gate.name},
                    {"limit", gate.limit},
                    {"value", gate.value},
                    {"low", gate.low},
                    {"high", gate.high},
                    {"mcnemar_p", gate.p_value ? Json(*gate.p_value) : Json()},
                    {"passed", gate.passed},
                    {"decided", gate.decided},
                    {"early", gate.is_early},
                    {"statement", gate.statement}});
  }
  return list;
}

std::string gates_text(const std::vector<GateResult>& gates) {
  std::string text;
  for (const GateResult& gate : gates) {
    text += fmt::format("gate       --{}: {}: {}\n", gate.name, gate.passed ? "passed" : "FAILED", gate.statement);
  }
  return text;
}

void conclude_gates(const GateOptions& options, const std::string& model, const std::vector<GateResult>& gates,
                    double seconds) {
  if (!options.junit.empty()) write_file_atomically(options.junit, junit_xml(model, gates, seconds));
  if (options.annotate == "github") print_lines(github_annotations(model, gates));
  throw_failed_gates(gates);
}

}  // namespace nq
