#include <cmath>
#include <string>

#include "core/files.hpp"
#include "nq/report_page.hpp"
#include "pipeline/base64.hpp"
#include "pipeline/json_reader.hpp"
#include "report/html_text.hpp"
#include "report/report_json.hpp"

namespace nq {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 28;
constexpr std::int64_t kMostCount = std::int64_t{1} << 53;

std::pair<double, double> read_interval(const JsonReader& reader, const char* key) {
  if (reader.at(key).is_null()) return {0, 1};
  const auto ends = reader.get<std::vector<double>>(key);
  NQ_CHECK(ends.size() == 2, input, "'{}.{}' must have two ends", reader.path(), key);
  return {ends[0], ends[1]};
}

NoiseOverhead read_noise(const JsonReader& reader) {
  NoiseOverhead noise;
  noise.inputs = reader.bounded("inputs", 0, kMostCount);
  noise.values = reader.bounded("values", 0, kMostCount);
  noise.stored_values = reader.bounded("stored_values", 0, kMostCount);
  noise.parameters = reader.bounded("parameters", 0, kMostCount);
  noise.macs = reader.bounded("macs", 0, kMostCount);
  noise.noise_adds = reader.bounded("noise_adds", 0, kMostCount);
  noise.stored_adds = reader.bounded("stored_adds", 0, kMostCount);
  noise.bias_adds = reader.bounded("bias_adds", 0, kMostCount);
  return noise;
}

BenchReport read_speed(const JsonReader& reader) {
  BenchReport speed;
  speed.batch = reader.bounded("batch", 1, kMostCount);
  speed.run_ms = reader.get<std::vector<double>>("run_ms");
  NQ_CHECK(!speed.run_ms.empty(), input, "'{}.run_ms' is empty", reader.path());
  return speed;
}

ReportModel read_model(const JsonReader& reader, std::int64_t classes) {
  ReportModel model;
  model.label = reader.get<std::string>("label");
  model.file = reader.get<std::string>("file");
  model.sha256 = reader.get<std::string>("sha256");
  model.bytes = static_cast<std::uint64_t>(reader.bounded("bytes", 0, kMostCount));
  model.quantized = reader.get<std::string>("quantized");
  for (const auto& [key, text] : reader.object("provenance").items()) {
    NQ_CHECK(text.is_string(), input, "'{}.provenance' must hold text", reader.path());
    model.provenance.emplace_back(key, text.get<std::string>());
  }
  EvalReport& eval = model.eval;
  eval.classes = classes;
  eval.images = reader.bounded("images", 0, kMostCount);
  eval.labelled = reader.bounded("labelled", 0, eval.images);
  eval.top1_correct = reader.bounded("top1_correct", 0, eval.labelled);
  eval.top5_correct = reader.bounded("top5_correct", 0, eval.labelled);
  model.top1_interval = read_interval(reader, "top1_interval");
  model.top5_interval = read_interval(reader, "top5_interval");
  if (!reader.at("logit_mse").is_null()) {
    ReferenceComparison comparison;
    comparison.logit_mse = reader.get<double>("logit_mse");
    comparison.agreement = reader.get<double>("agreement");
    comparison.sqnr_db = reader.at("sqnr_db").is_null() ? INFINITY : reader.get<double>("sqnr_db");
    eval.reference = comparison;
  }
  if (!reader.at("speed").is_null()) model.speed = read_speed(reader.object("speed"));
  if (!reader.at("noise").is_null()) model.noise = read_noise(reader.object("noise"));
  for (const Json& item : reader.list("unmatched")) {
    const JsonReader layer(item, reader.path() + ".unmatched");
    model.unmatched.push_back({layer.get<std::string>("name"), layer.get<std::string>("reason")});
  }
  return model;
}

std::vector<std::int64_t> read_classes(const JsonReader& reader, const char* key, std::int64_t classes) {
  std::vector<std::int64_t> list = reader.integers(key);
  for (const std::int64_t item : list) {
    NQ_CHECK(item >= 0 && item < classes, input, "'{}.{}' holds class {} of {}", reader.path(), key, item, classes);
  }
  return list;
}

ReportImage read_image(const JsonReader& reader, const Report& report) {
  ReportImage image;
  image.name = reader.get<std::string>("name");
  if (!reader.at("label").is_null()) image.label = reader.bounded("label", 0, report.classes - 1);
  image.disagree = reader.get<bool>("disagree");
  image.classes = read_classes(reader, "classes", report.classes);
  image.logit_mse = reader.get<std::vector<double>>("logit_mse");
  NQ_CHECK(image.logit_mse.size() == report.models.size() && image.classes.size() == report.models.size() + 1, input,
           "'{}' does not fit the number of models", reader.path());
  for (const double mse : image.logit_mse) image.largest_mse = std::max(image.largest_mse, mse);
  return image;
}

ReportPicture read_picture(const JsonReader& reader, const Report& report) {
  ReportPicture picture;
  picture.image = read_image(reader, report);
  const auto bytes = base64_decode(reader.get<std::string>("jpeg"));
  picture.jpeg.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  picture.width = static_cast<int>(reader.bounded("width", 0, 1 << 16));
  picture.height = static_cast<int>(reader.bounded("height", 0, 1 << 16));
  picture.scored = read_classes(reader, "scored", report.classes);
  const std::int64_t scored = picture.scored.empty() ? report.classes : static_cast<std::int64_t>(picture.scored.size());
  for (const Json& item : reader.list("scores")) {
    const std::vector<double> row = read_floats(item, reader.path() + ".scores");
    NQ_CHECK(static_cast<std::int64_t>(row.size()) == scored, input, "'{}.scores' has {} scores for {} classes", reader.path(),
             row.size(), scored);
    std::vector<float> scores;
    for (const double value : row) scores.push_back(static_cast<float>(value));
    picture.scores.push_back(std::move(scores));
  }
  NQ_CHECK(picture.scores.size() == report.models.size() + 1, input, "'{}.scores' does not fit the number of models", reader.path());
  return picture;
}

Report read_report(const Json& json) {
  const JsonReader reader(json, "report");
  NQ_CHECK(reader.get<std::string>("command") == "report", input, "is no report");
  NQ_CHECK(reader.get<int>("schema") == 1, input, "has schema {}, this program reads 1", reader.get<int>("schema"));
  Report report;
  report.version = reader.get<std::string>("version");
  report.preprocess = reader.at("preprocess").dump(2);
  report.preprocess_source = reader.get<std::string>("preprocess_source");
  report.label_source = reader.get<std::string>("label_source");
  report.image_list_sha256 = reader.get<std::string>("image_list_sha256");
  report.images = reader.bounded("images", 0, kMostCount);
  report.layer_images = reader.bounded("layer_images", 0, kMostCount);
  report.classes = reader.bounded("classes", 1, std::int64_t{1} << 32);
  report.confidence = reader.get<double>("confidence");
  report.reference = read_model(reader.object("reference"), report.classes);
  for (const Json& item : reader.list("models")) report.models.push_back(read_model({item, "report.models"}, report.classes));
  NQ_CHECK(!report.models.empty(), input, "'report.models' is empty");
  report.class_names = reader.get<std::vector<std::string>>("class_names");
  report.disagreements = reader.bounded("disagreements", 0, report.images);
  for (const Json& item : reader.list("worst")) report.worst.push_back(read_image({item, "report.worst"}, report));
  for (const Json& item : reader.list("pictures")) report.pictures.push_back(read_picture({item, "report.pictures"}, report));
  for (const Json& item : reader.list("sites")) report.sites.push_back(read_site(item, report.models.size(), "report.sites"));
  for (const Json& item : reader.list("skipped_images")) {
    const JsonReader skipped(item, "report.skipped_images");
    report.skipped_images.push_back({skipped.get<std::string>("name"), skipped.get<std::string>("reason")});
  }
  return report;
}

/// The document within a page; the text itself when it is none.
std::string document_in(const std::string& text) {
  const std::size_t begin = text.find(kDataBegin);
  if (begin == std::string::npos) return text;
  const std::size_t start = begin + kDataBegin.size();
  const std::size_t end = text.find(kDataEnd, start);
  NQ_CHECK(end != std::string::npos, input, "ends within its data");
  return text.substr(start, end - start);
}

}  // namespace

Report report_from_text(const std::string& text, const std::string& source) {
  return with_context([&] { return read_report(parse_untrusted(document_in(text))); },
                      [&] { return fmt::format("in the report '{}'", source); });
}

Report load_report(const std::filesystem::path& path) { return report_from_text(read_file(path, kMostBytes), path.string()); }

}  // namespace nq
