#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "document.hpp"
#include "eval_report.hpp"
#include "log_output.hpp"
#include "nq/error.hpp"
#include "options/gate_options.hpp"
#include "options/images_options.hpp"
#include "options/runtime_options.hpp"
#include "output_check.hpp"
#include "report_forms.hpp"

namespace nq {
namespace {

struct MergeCommandOptions {
  std::vector<std::filesystem::path> inputs;
  std::filesystem::path output;
  GateOptions gates;
  RuntimeOptions runtime;
};

Json json_report(const EvalState& state, const EvalReport& report, const std::vector<GateResult>& gates,
                 const GateLimits& limits) {
  Json document = new_document("merge");
  add_figures(document, report, limits);
  document["gates"] = json_gates(gates);
  document["images_in_all"] = state.identity.images;
  document["complete"] = state.complete();
  document["parts"] = json_parts(state);
  document["seconds"] = report.seconds;
  document["skipped_images"] = json_skipped(report.skipped_images);
  document["model_sha256"] = state.identity.model_sha256;
  document["reference_sha256"] = state.identity.reference_sha256.empty() ? Json() : Json(state.identity.reference_sha256);
  document["images_sha256"] = state.identity.images_sha256;
  document["preprocess"] = Json::parse(state.identity.preprocess);
  return document;
}

std::string coverage_text(const EvalState& state) {
  std::int64_t done = 0;
  for (const EvalPart& part : state.parts) done += part.done;
  return fmt::format("parts      {} of {} shards, {} of {} images{}\n", state.parts.size(), state.parts.front().of, done,
                     state.identity.images, state.complete() ? "" : ": INCOMPLETE");
}

void run_merge(const MergeCommandOptions& options) {
  options.runtime.apply();
  options.gates.check(true);
  if (!options.output.empty()) check_output(options.output, options.inputs);
  std::vector<EvalState> states;
  for (const auto& path : options.inputs) states.push_back(load_eval_state(path));
  const EvalState state = merge(states);
  if (state.parts.empty()) throw Error(ErrorKind::input, "the counts have no part");
  if (options.gates.limits.any() && !state.complete()) {
    throw Error(ErrorKind::usage, "gates judge all images, and some are missing",
                fmt::format("{} of {} shards are here", state.parts.size(), state.parts.front().of));
  }
  EvalReport report = report_of(state.counts);
  report.skipped_images = state.skipped;
  report.seconds = state.seconds;
  const std::vector<GateResult> gates = judge_gates(state.counts, options.gates.limits);
  if (!options.output.empty()) save_eval_state(options.output, state);
  log_skipped(report.skipped_images);
  if (options.runtime.json)
    print_document(json_report(state, report, gates, options.gates.limits));
  else
    print_text(coverage_text(state) + figures_text(report, options.gates.limits) + gates_text(gates));
  conclude_gates(options.gates, "merged counts", gates, report.seconds);
}

}  // namespace

void add_merge(CLI::App& app) {
  auto options = std::make_shared<MergeCommandOptions>();
  CLI::App& command = *app.add_subcommand("merge", "Add the counts of the shards of an evaluation");
  command.add_option("COUNTS", options->inputs, "Files written by eval --state")->required()->type_name("");
  command.add_option("-o,--output", options->output, "Write the sum, to add more later")->type_name("FILE");
  options->gates.add_to(command);
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli merge part1.json part2.json --min-top1 80%");
  command.callback([options] { run_merge(*options); });
}

}  // namespace nq
