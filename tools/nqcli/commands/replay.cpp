#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

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

ModelFile rebuild(const ReplayCommandOptions& options, const ModelFile& file, const ModelFile& model,
                  const std::vector<Sample>& samples, Progress& progress) {
  RecordedRun run = read_recorded_options(recorded(file, "method"), recorded(file, "seed"), recorded(file, "options"));
  run.calibration.bad_images = options.images.bad_image_policy();
  run.calibration.input_shape = options.model.input_shape();
  const Preprocess preprocess = parse_preprocess(recorded(file, "preprocess"), "metadata nqcli.preprocess", 0, 0);
  const ModelFile part = model.read_as({run.added["input_name"], run.added["output_name"]});
  CalibrationResult result = calibrate(part, samples, preprocess, run.calibration, progress);
  for (const auto& [key, value] : run.added) {
    if (!value.empty()) result.recipe.options[key] = value;
  }
  return quantize(part, result.recipe, emit_options(result.recipe));
}

void run_replay(const ReplayCommandOptions& options) {
  options.runtime.apply();
  const ModelFile file = ModelFile::load(options.file);
  const ModelFile model = ModelFile::load(options.model.path);
  const auto count = static_cast<std::int64_t>(std::stoll(recorded(file, "calibration_images")));
  const std::vector<Sample> samples = options.images.open().select(count, std::stoull(recorded(file, "seed")));
  const std::vector<InputCheck> inputs = {
      {"version of nqcli", recorded(file, "version"), std::string(version())},
      {"sha256 of the model", recorded(file, "source_sha256"), model.sha256()},
      {"digest of the images", recorded(file, "image_list_sha256"), list_sha256(samples)}};
  check_inputs(inputs);
  TerminalProgress progress(options.runtime.progress());
  const ModelFile again = rebuild(options, file, model, samples, progress);
  const bool identical = again.serialize() == file.serialize();
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
                "the file was changed after it was written, or made with options that are not recorded (--input-shape, --bad-images)");
  }
}

}  // namespace

void add_replay(CLI::App& app) {
  auto options = std::make_shared<ReplayCommandOptions>();
  CLI::App& command = *app.add_subcommand("replay", "Build a file again from what it records, and compare the bytes");
  command.add_option("FILE", options->file, "Quantized model written by calibrate")->required()->type_name("");
  command.add_option("--model", options->model.path, "Float model it was made from")->required()->type_name("MODEL");
  options->model.add_input_shape_to(command);
  options->images.add_to(command);
  options->runtime.add_to(command);
  command.footer("\nExample:\n  nqcli replay vit_w6a6.onnx --model vit.onnx --images calib/");
  command.callback([options] { run_replay(*options); });
}

}  // namespace nq
