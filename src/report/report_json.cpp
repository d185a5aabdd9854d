#include "report/report_json.hpp"

#include <cmath>
#include <cstring>
#include <span>

#include "nq/report_page.hpp"
#include "pipeline/base64.hpp"
#include "pipeline/json_float.hpp"

namespace nq {
namespace {

constexpr int kSchema = 1;

Json json_interval(const std::pair<double, double>& interval) { return {interval.first, interval.second}; }

Json json_noise(const NoiseOverhead& noise) {
  return {{"inputs", noise.inputs},
          {"values", noise.values},
          {"stored_values", noise.stored_values},
          {"parameters", noise.parameters},
          {"macs", noise.macs},
          {"noise_adds", noise.noise_adds},
          {"stored_adds", noise.stored_adds},
          {"bias_adds", noise.bias_adds},
          {"memory_share", noise.share()},
          {"float32_energy_share", noise.float32_energy_share()},
          {"int16_energy_share", noise.int16_energy_share()}};
}

Json json_speed(const BenchReport& speed) {
  return {{"batch", speed.batch}, {"run_ms", speed.run_ms}, {"median_ms", speed.median_ms()}};
}

Json json_model(const ReportModel& model) {
  const EvalReport& eval = model.eval;
  const bool labelled = eval.labelled > 0;
  Json json = {{"label", model.label}, {"file", model.file}, {"sha256", model.sha256}, {"bytes", model.bytes},
               {"quantized", model.quantized}};
  json["provenance"] = Json::object();
  for (const auto& [key, text] : model.provenance) json["provenance"][key] = text;
  json["images"] = eval.images;
  json["labelled"] = eval.labelled;
  json["top1_correct"] = eval.top1_correct;
  json["top5_correct"] = eval.top5_correct;
  json["top1"] = labelled ? Json(eval.top1()) : Json();
  json["top1_interval"] = labelled ? json_interval(model.top1_interval) : Json();
  json["top5"] = labelled ? Json(eval.top5()) : Json();
  json["top5_interval"] = labelled ? json_interval(model.top5_interval) : Json();
  json["logit_mse"] = eval.reference ? Json(eval.reference->logit_mse) : Json();
  json["agreement"] = eval.reference ? Json(eval.reference->agreement) : Json();
  json["sqnr_db"] = eval.reference && std::isfinite(eval.reference->sqnr_db) ? Json(eval.reference->sqnr_db) : Json();
  json["speed"] = model.speed ? json_speed(*model.speed) : Json();
  json["noise"] = model.noise ? json_noise(*model.noise) : Json();
  json["unmatched"] = Json::array();
  for (const UnmatchedLayer& layer : model.unmatched) json["unmatched"].push_back({{"name", layer.name}, {"reason", layer.reason}});
  return json;
}

Json json_image(const ReportImage& image) {
  return {{"name", image.name},
          {"label", image.label ? Json(*image.label) : Json()},
          {"disagree", image.disagree},
          {"classes", image.classes},
          {"logit_mse", image.logit_mse}};
}

Json json_picture(const ReportPicture& picture) {
  Json json = json_image(picture.image);
  const std::span bytes(reinterpret_cast<const std::int8_t*>(picture.jpeg.data()), picture.jpeg.size());
  json["jpeg"] = base64_encode(bytes);
  json["width"] = picture.width;
  json["height"] = picture.height;
  json["scored"] = picture.scored;
  json["scores"] = Json::array();
  for (const auto& scores : picture.scores) json["scores"].push_back(json_floats(scores));
  return json;
}

}  // namespace

Json report_document(const Report& report) {
  Json json = Json::object();
  json["schema"] = kSchema;
  json["command"] = "report";
  json["version"] = report.version;
  json["preprocess"] = Json::parse(report.preprocess);
  json["preprocess_source"] = report.preprocess_source;
  json["label_source"] = report.label_source;
  json["image_list_sha256"] = report.image_list_sha256;
  json["images"] = report.images;
  json["layer_images"] = report.layer_images;
  json["classes"] = report.classes;
  json["confidence"] = report.confidence;
  json["reference"] = json_model(report.reference);
  json["models"] = Json::array();
  for (std::size_t k = 0; k < report.models.size(); ++k) {
    json["models"].push_back(json_model(report.models[k]));
    const auto reduction = report.reduction(k);
    json["models"].back()["reduction"] = reduction ? Json(*reduction) : Json();
  }
  json["class_names"] = report.class_names;
  json["disagreements"] = report.disagreements;
  json["worst"] = Json::array();
  for (const ReportImage& image : report.worst) json["worst"].push_back(json_image(image));
  json["pictures"] = Json::array();
  for (const ReportPicture& picture : report.pictures) json["pictures"].push_back(json_picture(picture));
  json["sites"] = Json::array();
  for (const ReportSite& site : report.sites) json["sites"].push_back(json_site(site));
  json["skipped_images"] = Json::array();
  for (const SkippedImage& image : report.skipped_images) {
    json["skipped_images"].push_back({{"name", image.name}, {"reason", image.reason}});
  }
  return json;
}

std::string report_to_json(const Report& report) {
  return report_document(report).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace nq
