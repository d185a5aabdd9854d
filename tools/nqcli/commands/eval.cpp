#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "document.hpp"
#include "eval_report.hpp"
#include "eval_session.hpp"
#include "log_output.hpp"
#include "nq/error.hpp"
#include "nq/evaluate.hpp"
#include "nq/evaluation_record.hpp"
#include "nq/inspect.hpp"
#include "nq/threads.hpp"
#include "options/gate_options.hpp"
#include "options/images_options.hpp"
#include "options/kernel_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "output_check.hpp"
#include "quantized_set.hpp"
#include "report_forms.hpp"

namespace nq {
namespace {

constexpr const char* kPartsGroup = "Parts of an evaluation";

struct EvalCommandOptions {
  ModelOptions model;
  ImagesOptions images;
  std::filesystem::path reference;
  std::int64_t limit = 0;
  std::uint64_t seed = 0;
  std::int64_t batch = 16;
  KernelChoice kernels = KernelChoice::automatic;
  SessionOptions session;
  GateOptions gates;
  bool sequential = false;
  std::filesystem::path record;
  RuntimeOptions runtime;
};

/// What an evaluation found.
struct Outcome {
  EvalReport report;
  EvalState state;
  std::vector<GateResult> gates;
};

/// "2/8"
void parse_shard(const std::string& text, SessionOptions& session) {
  char slash = 0;
  int used = 0;
  const bool parsed = std::sscanf(text.c_str(), "%ld%c%ld%n", &session.shard, &slash, &session.of, &used) == 3 &&
                      slash == '/' && static_cast<std::size_t>(used) == text.size();
  if (!parsed || session.of < 1 || session.shard < 1 || session.shard > session.of) {
    throw CLI::ValidationError(fmt::format("'{}' is no shard: write I/N with I in 1..N", text));
  }
}

Json json_report(const EvalCommandOptions& options, const Preprocess& preprocess, const ImageFolder& folder,
                 const Outcome& outcome, const Inspection& inspection) {
  const EvalReport& report = outcome.report;
  Json document = new_document("eval");
  document["model"] = options.model.path.string();
  document["label_source"] = folder.label_source();
  add_figures(document, report, options.gates.limits);
  if (report.reference) document["reference"]["model"] = options.reference.string();
  document["class_view"] = outcome.state.identity.classes;
  document["gates"] = json_gates(outcome.gates);
  document["sequential"] = options.sequential;
  document["images_in_all"] = outcome.state.identity.images;
  document["complete"] = outcome.state.complete();
  document["parts"] = json_parts(outcome.state);
  document["images_per_s"] = report.images_per_s();
  document["seconds"] = report.seconds;
  document["threads"] = num_threads();
  document["kernels"] = to_string(options.kernels);
  document["skipped_images"] = json_skipped(report.skipped_images);
  document["preprocess"] = Json::parse(preprocess_to_json(preprocess));
  document["preprocess_source"] = preprocess.source;
  document["quantization"] = json_quantized_set(inspection);
  return document;
}

std::string report_text(const EvalCommandOptions& options, const Outcome& outcome, const Inspection& inspection) {
  std::string text = figures_text(outcome.report, options.gates.limits);
  const EvalPart& part = outcome.state.parts.front();
  if (part.of > 1) text += fmt::format("shard      {} of {}\n", part.shard, part.of);
  text += fmt::format("speed      {:.1f} images/s with {} threads, images read and decoded included\n",
                      outcome.report.images_per_s(), num_threads());
  text += fmt::format("quantized  {}\n", quantized_set_text(inspection));
  return text + gates_text(outcome.gates);
}

/// Writes a copy of the model that says what was measured.
void write_record(const EvalCommandOptions& options, const ModelFile& model, const Outcome& outcome) {
  const EvalIdentity& identity = outcome.state.identity;
  with_evaluation(model, record_evaluation(kEvaluationSet, identity.images_sha256, identity.reference_sha256, outcome.report))
      .save(options.record);
  log_note(fmt::format("wrote '{}', which records this evaluation", options.record.string()));
}

void check_record(const EvalCommandOptions& options) {
  if (options.record.empty()) return;
  std::vector<std::filesystem::path> inputs = {options.model.path};
  if (!options.reference.empty()) inputs.push_back(options.reference);
  check_output(options.record, inputs);
  if (options.sequential || options.session.of > 1) {
    throw Error(ErrorKind::usage, "--record needs an evaluation of all images: leave out --sequential and --shard");
  }
}

void check_options(const EvalCommandOptions& options) {
  options.gates.check(!options.reference.empty());
  if (options.sequential && !options.gates.limits.any()) {
    throw Error(ErrorKind::usage, "--sequential stops when the gates are decided, and no gate is given");
  }
  if (options.sequential && options.session.of > 1) {
    throw Error(ErrorKind::usage, "a shard cannot decide for all images: --sequential and --shard exclude each other");
  }
  if (options.gates.limits.any() && options.session.of > 1) {
    throw Error(ErrorKind::usage, "gates judge all images, not a shard", "give them to nqcli merge");
  }
  check_record(options);
}

Inspection inspect_evaluated(const ModelFile& model, const std::optional<Shape>& input_shape) {
  InspectOptions options;
  options.input_shape = input_shape;
  return inspect(model, options);
}

void run_eval(const EvalCommandOptions& options) {
  options.runtime.apply();
  check_options(options);
  const ModelFile model = options.model.load();
  std::optional<ModelFile> reference;
  if (!options.reference.empty()) reference = load_runnable(options.reference).read_as(options.model.choice);
  const ModelFile* const compared = reference ? &*reference : nullptr;
  const Preprocess preprocess = options.images.resolve(model, options.model.input_shape());
  const ImageFolder folder = options.images.open();
  std::vector<Sample> samples = folder.select(options.limit, options.seed);
  // Sorted names are sorted classes: only a random order lets the first images speak for all.
  if (options.sequential) samples = shuffled(std::move(samples), options.seed);
  const EvalOptions eval{options.batch, options.images.bad_image_policy(), options.model.input_shape(), options.kernels,
                         options.images.classes(folder)};
  EvalSession session(options.session, identify_evaluation(model, compared, samples, preprocess, eval), samples);
  const Inspection inspection = inspect_evaluated(model, options.model.input_shape());
  const EvalIdentity& identity = session.state().identity;
  const SequentialGates sequential(options.gates.limits, {identity.images, identity.labelled});
  TerminalProgress progress(options.runtime.progress());
  Outcome outcome;
  outcome.report = session.run(model, compared, preprocess, eval, options.sequential ? &sequential : nullptr, progress);
  outcome.state = session.state();
  outcome.gates = options.sequential ? sequential.judge(outcome.report.counts)
                                     : judge_gates(outcome.report.counts, options.gates.limits);
  log_skipped(outcome.report.skipped_images);
  if (!options.record.empty()) write_record(options, model, outcome);
  if (options.runtime.json)
    print_document(json_report(options, preprocess, folder, outcome, inspection));
  else
    print_text(report_text(options, outcome, inspection));
  conclude_gates(options.gates, options.model.path.string(), outcome.gates, outcome.report.seconds);
}

void add_part_options(CLI::App& command, EvalCommandOptions& options) {
  SessionOptions& session = options.session;
  command
      .add_option("--state", session.state,
                  "Save exact counts here: now and then, at the end, and when a signal stops the run")
      ->type_name("FILE")
      ->group(kPartsGroup);
  command.add_flag("--resume", session.resume, "Go on from the counts in --state, if the file is there")
      ->group(kPartsGroup);
  command.add_option("--save-every", session.save_every_s, "Seconds between saves; 0 after every batch")
      ->check(CLI::NonNegativeNumber)
      ->type_name("SECONDS")
      ->capture_default_str()
      ->group(kPartsGroup);
  command
      .add_option_function<std::string>(
          "--shard", [&session](const std::string& text) { parse_shard(text, session); },
          "Evaluate every N-th image from the I-th on; merge adds the counts of all shards")
      ->type_name("I/N")
      ->group(kPartsGroup);
}

}  // namespace

void add_eval(CLI::App& app) {
  auto options = std::make_shared<EvalCommandOptions>();
  CLI::App& command =
      *app.add_subcommand("eval", "Measure accuracy on an image folder, and distance to a reference");
  options->model.add_to(command);
  options->model.add_input_shape_to(command);
  options->images.add_to(command);
  command
      .add_option("--reference", options->reference,
                  "Model whose logits are compared with, usually the float one")
      ->type_name("MODEL");
  add_limit_options(command, options->limit, options->seed,
                    "Seed of the choice of images, and of their order with --sequential");
  command.add_option("--batch", options->batch, "Images in flight. Never changes a result")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{65536}))
      ->capture_default_str();
  command
      .add_option("--record", options->record,
                  "Write a copy of the model whose metadata hold these figures; inspect shows them")
      ->type_name("FILE");
  add_part_options(command, *options);
  options->gates.add_to(command);
  command
      .add_flag("--sequential", options->sequential,
                "Take the images in random order and stop as soon as every gate is decided for all of them")
      ->group("Gates");
  add_kernel_option(command, options->kernels);
  options->runtime.add_to(command);
  command.footer(
      "\nExamples:\n"
      "  nqcli eval vit_w6a6.onnx --images val/ --reference vit.onnx\n"
      "  nqcli eval vit_w6a6.onnx --images val/ --reference vit.onnx --max-drop 1% --sequential\n"
      "  nqcli eval vit_w6a6.onnx --images val/ --shard 2/8 --state part2.json --resume");
  command.callback([options] { run_eval(*options); });
}

}  // namespace nq
