#include "recorded_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

#include "document.hpp"
#include "nq/error.hpp"
#include "options/calibration_options.hpp"
#include "options/selection_options.hpp"
#include "output_names.hpp"

namespace nq {
namespace {

/// Keys of a recipe that are no options of the calibration: what the command line adds, and the part of the model.
const std::set<std::string> kAdded = {kFoldOption, kNoiseTypeOption, kWeightStorageOption, "target",       "input_name",
                                      "output_name", "input_shape",  "bad_images",         "listed_images"};

std::vector<std::string> arguments_of(const std::map<std::string, std::string>& options) {
  std::vector<std::string> arguments;
  for (const auto& [key, value] : options) {
    if (kAdded.contains(key) || value.empty()) continue;
    std::string flag = "--" + key;
    std::replace(flag.begin(), flag.end(), '_', '-');
    const bool is_switch = value == "true" || value == "false";
    if (is_switch && value == "true") arguments.push_back(flag);
    if (!is_switch) arguments.insert(arguments.end(), {flag, value});
  }
  return arguments;
}

}  // namespace

RecordedRun read_recorded_options(const std::string& method, const std::string& seed, const std::string& options_json) {
  RecordedRun run;
  try {
    const auto recorded = Json::parse(options_json).get<std::map<std::string, std::string>>();
    for (const auto& [key, value] : recorded) {
      if (kAdded.contains(key)) run.added[key] = value;
    }
    CLI::App parser;
    add_calibration_options(parser, run.calibration);
    add_selection_options(parser, run.calibration.selection);
    std::vector<std::string> arguments = arguments_of(recorded);
    arguments.insert(arguments.end(), {"--method", method, "--seed", seed});
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes a vector
    parser.parse(arguments);
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorKind::input, fmt::format("an option that the file records is not understood: {}", error.what()));
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::input, "metadata nqcli.options is no JSON object of texts");
  }
  return run;
}

}  // namespace nq
