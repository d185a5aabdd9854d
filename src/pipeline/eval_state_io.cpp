#include <nlohmann/json.hpp>

#include "core/check.hpp"
#include "core/files.hpp"
#include "nq/eval_state.hpp"
#include "pipeline/json_reader.hpp"
#include "pipeline/pretty_json.hpp"

namespace nq {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;
constexpr std::uint64_t kMaxStateBytes = std::uint64_t{1} << 28;
constexpr std::int64_t kMaxImages = std::int64_t{1} << 40;
constexpr const char* kKind = "evaluation counts";

Json sum_json(const ExactSum& sum) { return {{"parts", sum.parts()}, {"not_finite", sum.not_finite()}}; }

ExactSum read_sum(const JsonReader& reader) {
  const auto parts = reader.get<std::vector<double>>("parts");
  for (const double part : parts) NQ_CHECK(std::isfinite(part), input, "'{}.parts' must be finite", reader.path());
  return ExactSum::of(parts, reader.bounded("not_finite", 0, kMaxImages));
}

Json counts_json(const EvalCounts& counts) {
  return {{"classes", counts.classes},
          {"images", counts.images},
          {"labelled", counts.labelled},
          {"top1_correct", counts.top1_correct},
          {"top5_correct", counts.top5_correct},
          {"compared", counts.compared},
          {"agreeing", counts.agreeing},
          {"reference_correct", counts.reference_correct},
          {"both_correct", counts.both_correct},
          {"squared_difference", sum_json(counts.squared_difference)},
          {"squared_reference", sum_json(counts.squared_reference)},
          {"fourth_difference", sum_json(counts.fourth_difference)}};
}

EvalCounts read_counts(const JsonReader& reader) {
  EvalCounts counts;
  counts.classes = reader.bounded("classes", 0, kMaxImages);
  counts.images = reader.bounded("images", 0, kMaxImages);
  counts.labelled = reader.bounded("labelled", 0, counts.images);
  counts.top5_correct = reader.bounded("top5_correct", 0, counts.labelled);
  counts.top1_correct = reader.bounded("top1_correct", 0, counts.top5_correct);
  counts.compared = reader.bounded("compared", 0, counts.images);
  counts.agreeing = reader.bounded("agreeing", 0, counts.compared);
  counts.reference_correct = reader.bounded("reference_correct", 0, counts.labelled);
  counts.both_correct = reader.bounded("both_correct", 0, std::min(counts.top1_correct, counts.reference_correct));
  counts.squared_difference = read_sum(reader.object("squared_difference"));
  counts.squared_reference = read_sum(reader.object("squared_reference"));
  counts.fourth_difference = read_sum(reader.object("fourth_difference"));
  return counts;
}

Json identity_json(const EvalIdentity& identity) {
  return {{"model_sha256", identity.model_sha256},
          {"reference_sha256", identity.reference_sha256.empty() ? Json() : Json(identity.reference_sha256)},
          {"images_sha256", identity.images_sha256},
          {"images", identity.images},
          {"labelled", identity.labelled},
          {"preprocess", Json::parse(identity.preprocess)},
          {"kernels", identity.kernels},
          {"classes", identity.classes}};
}

EvalIdentity read_identity(const JsonReader& reader) {
  EvalIdentity identity;
  identity.model_sha256 = reader.get<std::string>("model_sha256");
  if (!reader.at("reference_sha256").is_null()) identity.reference_sha256 = reader.get<std::string>("reference_sha256");
  identity.images_sha256 = reader.get<std::string>("images_sha256");
  identity.images = reader.bounded("images", 0, kMaxImages);
  identity.labelled = reader.bounded("labelled", 0, identity.images);
  identity.preprocess = reader.at("preprocess").dump();
  identity.kernels = reader.get<std::string>("kernels");
  identity.classes = reader.get<std::string>("classes");
  return identity;
}

EvalState read_state(const Json& json) {
  const JsonReader reader(json, "counts");
  NQ_CHECK(reader.get<std::string>("kind") == kKind, input, "is no file of evaluation counts");
  const std::int64_t schema = reader.bounded("schema", 0, INT32_MAX);
  NQ_CHECK(schema == kSchema, input, "has schema {}, this version reads {}", schema, kSchema);
  EvalState state;
  state.identity = read_identity(reader.object("evaluation"));
  for (const Json& item : reader.list("parts")) {
    const JsonReader part(item, "counts.parts[]");
    const std::int64_t of = part.bounded("of", 1, kMaxImages);
    const std::int64_t samples = part.bounded("samples", 0, state.identity.images);
    state.parts.push_back({part.bounded("shard", 1, of), of, samples, part.bounded("done", 0, samples)});
  }
  state.counts = read_counts(reader.object("counts"));
  for (const Json& item : reader.list("skipped")) {
    const JsonReader skipped(item, "counts.skipped[]");
    state.skipped.push_back({skipped.get<std::string>("name"), skipped.get<std::string>("reason")});
  }
  state.seconds = reader.get<double>("seconds");
  std::int64_t done = 0;
  for (const EvalPart& part : state.parts) done += part.done;
  NQ_CHECK(done == state.counts.images + static_cast<std::int64_t>(state.skipped.size()), input,
           "counts {} images and {} left out, its parts {}", state.counts.images, state.skipped.size(), done);
  return state;
}

}  // namespace

std::string eval_state_to_json(const EvalState& state) {
  Json json = {{"schema", kSchema}, {"kind", kKind}, {"evaluation", identity_json(state.identity)}};
  json["parts"] = Json::array();
  for (const EvalPart& part : state.parts) {
    json["parts"].push_back({{"shard", part.shard}, {"of", part.of}, {"samples", part.samples}, {"done", part.done}});
  }
  json["counts"] = counts_json(state.counts);
  json["skipped"] = Json::array();
  for (const SkippedImage& image : state.skipped) {
    json["skipped"].push_back({{"name", image.name}, {"reason", image.reason}});
  }
  json["seconds"] = state.seconds;
  try {
    return pretty_json(json);
  } catch (const nlohmann::json::exception&) {
    fail(ErrorKind::input, "the name of an image that was left out is not UTF-8 text, which a file of counts cannot hold");
  }
}

EvalState eval_state_from_json(const std::string& text, const std::string& source) {
  return with_context(
      [&] {
        const Json json = parse_untrusted(text);
        return read_state(json);
      },
      [&] { return fmt::format("in counts file '{}'", source); });
}

EvalState load_eval_state(const std::filesystem::path& path) {
  return eval_state_from_json(read_file(path, kMaxStateBytes), path.string());
}

void save_eval_state(const std::filesystem::path& path, const EvalState& state) {
  write_file_atomically(path, eval_state_to_json(state));
}

}  // namespace nq
