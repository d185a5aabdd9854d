#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>

#include "calibration_record.hpp"
#include "document.hpp"
#include "nq/calibrate.hpp"
#include "nq/error.hpp"
#include "nq/quantize.hpp"
#include "nq/version.hpp"
#include "options/images_options.hpp"
#include "options/model_options.hpp"
#include "options/runtime_options.hpp"
#include "output_names.hpp"
#include "recorded_options.hpp"

namespace nq {
namespace {

struct ReplayCommandOptions {
  std::filesystem::path file;
  ModelOptions model;
  ImagesOptions images;
  RuntimeOptions runtime;
};

/// One input of a calibration, as recorded in the file and as found now.
struct InputCheck {
  std::string name;
  std::string recorded;
  std::string found;
  bool same() const { return recorded == found; }
};

std::string recorded(const ModelFile& file, const std::string& key) {
  const auto value = file.metadata("nqcli." + key);
  if (value) return *value;
  throw Error(ErrorKind::input, fmt::format("'{}' does not record how it was made (metadata nqcli.{})", file.path().string(), key));
}

/// Throws Error(input) naming every input that is not the recorded one.
void check_inputs(const std::vector<InputCheck>& inputs) {
  std::string text;
  for (const InputCheck& input : inputs) {
    if (!input.same()) text += fmt::format("{}{}: was {}, is {}", text.empty() ? "" : "; ", input.name, input.recorded, input.found);
  }
  if (!text.empty()) throw Error(ErrorKind::input, "not the inputs that the file was made from: " + text);
}

/// Metadata may have been written by anyone.
template <typename Number>
Number parse_number(const std::string& text, const std::string& key) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  throw Error(ErrorKind::input, fmt::format("metadata nqcli.{} is '{}', not a whole number", key, text));
}

template <typename Number>
Number recorded_number(const ModelFile& file, const std::string& key) {
  return parse_number<Number>(recorded(file, key), key);
}

std::optional<Shape> recorded_shape(const std::string& text) {
  if (text.empty()) return std::nullopt;
  Shape shape;
  for (const std::string& dim : CLI::detail::split(text, ',')) {
    shape.push_back(parse_number<std::int64_t>(dim, "options, input_shape"));
  }
  return shape;
}

/// What calibrate made, with the evaluations on other images that the file records.
ModelFile rebuild(const ModelFile& file, RecordedRun run, const ModelFile& model, const std::vector<Sample>& samples,
                  const ClassView& classes, Progress& progress) {
  if (run.added["bad_images"] == "skip") run.calibration.bad_images = BadImages::skip;
  run.calibration.input_shape = recorded_shape(run.added["input_shape"]);
  const Preprocess preprocess = parse_preprocess(recorded(file, "preprocess"), "metadata nqcli.preprocess", 0, 0);
  const ModelFile part = model.read_as({run.added["input_name"], run.added["output_name"]});
  CalibrationResult result = calibrate(part, samples, preprocess, run.calibration, progress);
  for (const auto& [key, value] : run.added) {
    if (!value.empty()) result.recipe.options[key] = value;
  }
  ModelFile again = quantize(part, result.recipe, emit_options(result.recipe));
  const auto repeated = [&] {
    return calibration_record(
        part, samples, compare_calibrated(again, part, samples, preprocess, run.calibration, classes, result.compared, progress));
  };
  for (const EvaluationRecord& record : evaluations_of(file)) {
    again = with_evaluation(again, record.set == kCalibrationSet ? repeated() : record);
  }
  return again;
}

void run_replay(const ReplayCommandOptions& options) {
  options.runtime.apply();
  const ModelFile file = ModelFile::load(options.file);
  const ModelFile model = ModelFile::load(options.model.path);
  RecordedRun run = read_recorded_options(recorded(file, "method"), recorded(file, "seed"), recorded(file, "options"));
  const std::string listed = run.added["listed_images"];
  const auto count = listed.empty() ? recorded_number<std::int64_t>(file, "calibration_images")
                                    : parse_number<std::int64_t>(listed, "options, listed_images");
  const ImageFolder folder = options.images.open();
  const std::vector<Sample> samples = folder.select(count, recorded_number<std::uint64_t>(file, "seed"));
  const std::vector<InputCheck> inputs = {
      {"version of nqcli", recorded(file, "version"), std::string(version())},
      {"sha256 of the model", recorded(file, "source_sha256"), model.sha256()},
      {"digest of the images", recorded(file, "image_list_sha256"), list_sha256(samples)}};
  check_inputs(inputs);
  TerminalProgress progress(options.runtime.progress());
  const ModelFile again = rebuild(file, std::move(run), model, samples, options.images.classes(folder), progress);
  const bool identical = again.content_sha256() == file.content_sha256();
  if (options.runtime.json) {
    Json document = new_document("replay");
    document["file"] = options.file.string();
    document["identical"] = identical;
    document["inputs"] = Json::array();
    for (const InputCheck& input : inputs) document["inputs"].push_back({{"name", input.name}, {"value", input.found}});
    print_document(document);
  } else if (identical) {
    print_text(fmt::format("'{}' was built again from '{}' and {} images: the same bytes\n", options.file.string(),
                           options.model.path.string(), samples.size()));
  }
  if (!identical) {
    throw Error(ErrorKind::gate, fmt::format("version, model, images and options are those recorded, and the bytes of '{}' differ", options.file.string()),
                "the file was changed after it was written");
  }
}

}  // namespace

void add_replay(CLI::App& app) {
  auto options = std::make_shared<ReplayCommandOptions>();
  CLI::App& command = *app.add_subcommand("replay", "Build a file again from what it records, and compare the bytes");
  command.add_option("FILE", options->file, "Quantized model written by calibrate")->required()->type_name("");
  command.add_option("--model", options->model.path, "Float model it was made from")->required()->type_name("MODEL");
  options->images.add_to(command);
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli replay vit_w6a6.onnx --model vit.onnx --images calib/");
  command.callback([options] { run_replay(*options); });
}

}  // namespace nq
