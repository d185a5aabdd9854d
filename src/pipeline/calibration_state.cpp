#include "pipeline/calibration_state.hpp"

#include <nlohmann/json.hpp>

#include "core/check.hpp"
#include "core/files.hpp"
#include "nq/recipe.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/pretty_json.hpp"

namespace nq {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr const char* kKind = "calibration state";
constexpr const char* kRecord = "state.json";
constexpr const char* kStatistics = "statistics.";
constexpr const char* kFit = "fit.";
constexpr std::uint64_t kMaxRecordBytes = std::uint64_t{1} << 28;

std::string shortened(const std::string& value) {
  constexpr std::size_t kLongest = 60;
  if (value.empty()) return "nothing";
  return value.size() <= kLongest ? "'" + value + "'" : "'" + value.substr(0, kLongest) + "...'";
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  NQ_CHECK(!error, input, "cannot read folder '{}': {}", folder.string(), error.message());
  return names;
}

/// Refuses a folder with things that are not ours, before anything is written to it.
const fs::path& check_folder(const fs::path& folder) {
  if (!fs::exists(folder) || fs::exists(folder / kRecord)) return folder;
  for (const std::string& name : names_in(folder)) {
    NQ_CHECK(name == FolderLock::kName || TemporaryName::matches(name), input,
             "'{}' is no calibration state: it holds '{}'", folder.string(), name);
  }
  return folder;
}

}  // namespace

CalibrationIdentity identify_calibration(const Recipe& recipe, const Shape& input, std::int64_t capacity,
                                         const CalibrationOptions& options) {
  CalibrationIdentity identity = recipe.options;
  identity["version"] = recipe.tool_version;
  identity["model"] = recipe.model_sha256;
  identity["images"] = recipe.image_list_sha256;
  identity["preprocessing"] = recipe.preprocess;
  identity["input shape"] = to_string(input);
  identity["method"] = recipe.method;
  identity["seed"] = std::to_string(recipe.seed);
  identity["capacity (max-memory)"] = std::to_string(capacity);
  identity["bad images"] = options.bad_images == BadImages::skip ? "skip" : "fail";
  identity["fold"] = options.fold_noise ? "true" : "false";
  return identity;
}

CalibrationState::CalibrationState(fs::path folder, CalibrationIdentity identity)
    : folder_(std::move(folder)), identity_(std::move(identity)), lock_(check_folder(folder_)) {
  with_context([&] { open(); }, [&] { return fmt::format("in the calibration state '{}'", folder_.string()); });
}

void CalibrationState::open() {
  if (fs::exists(folder_ / kRecord)) {
    read_record(read_file(folder_ / kRecord, kMaxRecordBytes));
    remove_leftovers();
  } else {
    remove_leftovers();
    write_record();
  }
}

/// Only a record that is no use any more is worth removing the folder: what a disk or the memory refuses today may be
/// there tomorrow.
void CalibrationState::read_record(const std::string& bytes) try {
  const Json json = parse_untrusted(bytes);
  const JsonReader reader(json, "state");
  NQ_CHECK(reader.get<std::string>("kind") == kKind, input, "'{}' is no calibration state", kRecord);
  const std::int64_t schema = reader.bounded("schema", 0, INT32_MAX);
  NQ_CHECK(schema == kSchema, input, "has schema {}, this version reads {}", schema, kSchema);
  check_identity(reader.get<CalibrationIdentity>("calibration"));
  progress_.consumed = reader.bounded("consumed", 0, INT32_MAX);
  progress_.images = reader.bounded("images", 0, progress_.consumed);
  for (const Json& item : reader.list("skipped")) {
    const JsonReader skipped(item, "state.skipped[]");
    progress_.skipped.push_back({skipped.get<std::string>("name"), skipped.get<std::string>("reason")});
  }
  NQ_CHECK(progress_.images + static_cast<std::int64_t>(progress_.skipped.size()) == progress_.consumed, input,
           "counts {} images, {} read and {} left out", progress_.consumed, progress_.images, progress_.skipped.size());
  generation_ = reader.bounded("generation", 0, INT64_MAX - 1);
} catch (const Error& error) {
  if (error.kind() != ErrorKind::input || !error.hint().empty()) throw;
  throw Error(error.kind(), error.full_text(), "remove the folder to start again");
}

void CalibrationState::check_identity(const CalibrationIdentity& kept) const {
  CalibrationIdentity keys = kept;
  keys.insert(identity_.begin(), identity_.end());
  const auto value = [](const CalibrationIdentity& identity, const std::string& key) {
    const auto it = identity.find(key);
    return it == identity.end() ? std::string() : it->second;
  };
  for (const auto& [key, ignored] : keys) {
    const std::string there = value(kept, key);
    const std::string here = value(identity_, key);
    if (there == here) continue;
    throw Error(ErrorKind::usage,
                fmt::format("'{}' keeps another calibration: {} is {} there and {} here", folder_.string(), key,
                            shortened(there), shortened(here)),
                "name another folder with --state, or remove this one to start again");
  }
}

std::optional<CalibrationStatistics> CalibrationState::load_statistics() const {
  if (generation_ == 0) return std::nullopt;
  CalibrationStatistics statistics = nq::load_statistics(statistics_path());
  NQ_CHECK(statistics.images_read == progress_.images &&
               static_cast<std::int64_t>(statistics.images.size()) == progress_.consumed,
           input, "the statistics in '{}' are not those that it counts", folder_.string());
  return statistics;
}

void CalibrationState::save(const CalibrationStatistics& statistics, const CalibrationProgress& progress) {
  ++generation_;
  save_statistics(statistics_path(), statistics);
  progress_ = progress;
  write_record();
  remove_leftovers();
}

std::optional<std::vector<SiteRecipe>> CalibrationState::find_fit(std::size_t group) const {
  if (!fs::exists(fit_path(group))) return std::nullopt;
  return load_recipe(fit_path(group)).sites;
}

void CalibrationState::keep_fit(std::size_t group, const std::vector<SiteRecipe>& sites) const {
  Recipe recipe;
  recipe.sites = sites;
  save_recipe(fit_path(group), recipe);
}

void CalibrationState::write_record() const {
  Json json = {{"schema", kSchema},
               {"kind", kKind},
               {"calibration", identity_},
               {"consumed", progress_.consumed},
               {"images", progress_.images},
               {"generation", generation_}};
  json["skipped"] = Json::array();
  for (const SkippedImage& image : progress_.skipped) {
    json["skipped"].push_back({{"name", image.name}, {"reason", image.reason}});
  }
  try {
    write_file_atomically(folder_ / kRecord, pretty_json(json));
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::input, "a name of an image or layer is not UTF-8 text, which a calibration state cannot hold");
  }
}

/// Temporary files of a process that was killed, and statistics that no longer count.
void CalibrationState::remove_leftovers() const {
  for (const std::string& name : names_in(folder_)) {
    const bool is_old = name.starts_with(kStatistics) && folder_ / name != statistics_path();
    std::error_code ignored;
    if (is_old || TemporaryName::matches(name)) fs::remove(folder_ / name, ignored);
  }
}

fs::path CalibrationState::statistics_path() const { return folder_ / fmt::format("{}{}", kStatistics, generation_); }
fs::path CalibrationState::fit_path(std::size_t group) const { return folder_ / fmt::format("{}{}.json", kFit, group); }

}  // namespace nq
