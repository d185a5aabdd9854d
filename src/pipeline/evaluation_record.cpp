#include "nq/evaluation_record.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/json_reader.hpp"

namespace nq {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kKey = "nqcli.evaluations";

Json to_json(const EvaluationRecord& record) {
  Json json = {{"set", record.set},
               {"images", record.images},
               {"images_sha256", record.images_sha256},
               {"labelled", record.labelled},
               {"top1_correct", record.top1_correct},
               {"top5_correct", record.top5_correct}};
  if (!record.reference) return json;
  json["reference"] = {{"sha256", record.reference->sha256},
                       {"top1_correct", record.reference->top1_correct},
                       {"agreement", record.reference->agreement},
                       {"logit_mse", record.reference->logit_mse}};
  return json;
}

std::string read_sha256(const JsonReader& reader, const char* key) {
  const auto text = reader.get<std::string>(key);
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  NQ_CHECK(text.size() == 64 && std::all_of(text.begin(), text.end(), is_digit), input, "'{}.{}' is no SHA-256",
           reader.path(), key);
  return text;
}

EvaluationRecord from_json(const JsonReader& reader) {
  EvaluationRecord record;
  record.set = reader.get<std::string>("set");
  NQ_CHECK(record.set == kCalibrationSet || record.set == kEvaluationSet, input, "'{}.set' must be '{}' or '{}'",
           reader.path(), kCalibrationSet, kEvaluationSet);
  record.images_sha256 = read_sha256(reader, "images_sha256");
  record.images = reader.bounded("images", 0, INT64_MAX);
  record.labelled = reader.bounded("labelled", 0, record.images);
  record.top1_correct = reader.bounded("top1_correct", 0, record.labelled);
  record.top5_correct = reader.bounded("top5_correct", 0, record.labelled);
  if (!reader.has("reference")) return record;
  const JsonReader reference = reader.object("reference");
  record.reference = EvaluationRecord::Reference{
      read_sha256(reference, "sha256"), reference.bounded("top1_correct", 0, record.labelled),
      reference.get<double>("agreement"), reference.get<double>("logit_mse")};
  return record;
}

bool same_subject(const EvaluationRecord& a, const EvaluationRecord& b) {
  const auto reference = [](const EvaluationRecord& record) {
    return record.reference ? record.reference->sha256 : std::string();
  };
  return a.set == b.set && a.images_sha256 == b.images_sha256 && reference(a) == reference(b);
}

}  // namespace

EvaluationRecord record_evaluation(std::string set, std::string images_sha256, std::string reference_sha256,
                                   const EvalReport& report) {
  EvaluationRecord record{std::move(set),       std::move(images_sha256), report.images, report.labelled,
                          report.top1_correct, report.top5_correct,      {}};
  if (report.reference) {
    record.reference = EvaluationRecord::Reference{std::move(reference_sha256), report.counts.reference_correct,
                                                   report.reference->agreement, report.reference->logit_mse};
  }
  return record;
}

std::vector<EvaluationRecord> evaluations_of(const ModelFile& model) {
  const std::optional<std::string> text = model.metadata(kKey);
  if (!text) return {};
  return with_context(
      [&] {
        const Json list = parse_untrusted(*text);
        NQ_CHECK(list.is_array(), input, "must be a list");
        std::vector<EvaluationRecord> records;
        for (const Json& item : list) records.push_back(from_json({item, "evaluation"}));
        return records;
      },
      [&] { return fmt::format("in metadata {} of '{}'", kKey, model.path().string()); });
}

ModelFile with_evaluation(const ModelFile& model, const EvaluationRecord& record) {
  std::vector<EvaluationRecord> records = evaluations_of(model);
  const auto earlier = std::find_if(records.begin(), records.end(),
                                    [&record](const EvaluationRecord& other) { return same_subject(record, other); });
  if (earlier == records.end())
    records.push_back(record);
  else
    *earlier = record;
  Json list = Json::array();
  for (const EvaluationRecord& item : records) list.push_back(to_json(item));
  return model.with_metadata(kKey, list.dump());
}

std::string evaluation_to_json(const EvaluationRecord& record) { return to_json(record).dump(); }

EvaluationRecord evaluation_from_json(const std::string& text) {
  const Json json = parse_untrusted(text);
  return from_json({json, "evaluation"});
}

}  // namespace nq
