#pragma once

#include "nq/report.hpp"

namespace nq::test {

/// A report with two models, one picture and two sites; every text is `text`.
inline Report sample_report(const std::string& text) {
  const auto model = [&](const std::string& label, std::optional<double> mse) {
    ReportModel result;
    result.label = label;
    result.file = text;
    result.sha256 = "00ff";
    result.bytes = 1234567;
    result.quantized = text;
    result.provenance = {{"nqcli.method", text}};
    result.eval.classes = 3;
    result.eval.images = 9;
    result.eval.labelled = 8;
    result.eval.top1_correct = 6;
    result.eval.top5_correct = 8;
    result.top1_interval = {0.4, 0.9};
    result.top5_interval = {0.6, 1.0};
    if (mse) result.eval.reference = ReferenceComparison{*mse, 0.875, 21.5, 0};
    return result;
  };
  Report report;
  report.version = "1";
  report.preprocess = "{\"a\": 1}";
  report.preprocess_source = text;
  report.label_source = text;
  report.image_list_sha256 = "aa";
  report.images = 9;
  report.layer_images = 2;
  report.classes = 3;
  report.reference = model(text, std::nullopt);
  report.models = {model(text + "1", 0.5), model(text + "2", 0.375)};
  report.models[1].noise = NoiseOverhead{2, 20, 10, 1000, 5000, 40, 20, 30};
  report.models[1].unmatched = {{text, text}};
  report.models[1].speed = BenchReport{1, {2.5, 3.0, 3.5}};
  report.class_names = {text, "b", "c"};
  report.disagreements = 1;
  ReportPicture picture;
  picture.image = {text, 2, true, 1.25, {0, 1, 0}, {1.25, 0.25}};
  picture.jpeg = std::string("\xFF\xD8\0jpeg", 7);
  picture.width = 4;
  picture.height = 3;
  picture.scores = {{3.0F, 1.0F, 0.1F}, {1.0F, 2.0F, 0.3F}, {2.5F, 1.5F, 0.2F}};
  report.worst = {picture.image};
  report.pictures = {picture};
  ReportSite site;
  site.name = text;
  site.origin = "origin";
  site.op_type = "MatMul";
  site.c_out = 4;
  site.inputs = {{-1, -2, {1, 0, 5, 2}}};
  site.output = {0, -1, {4, 4}};
  for (int k = 0; k < 2; ++k) {
    SiteView view;
    view.error = {text, "origin", {}, 4, true, 20.5, 0.25, 30.25 - k, 0.125, {}};
    QuantizerView quantizer;
    quantizer.bits = 2;
    quantizer.scale = 0.5;
    quantizer.code_min = -2;
    quantizer.codes = {1, 0, 5, 2};
    quantizer.values = 8;
    quantizer.clipped = 1;
    quantizer.input = {-1, -2, {1, 0, 5, 2}};
    if (k == 1) quantizer.noisy_bias = {0.1F, -0.2F};
    view.quantizers = {quantizer};
    view.weight_bits = 4;
    view.weight_scale_min = 0.01;
    view.weight_scale_max = 0.02;
    view.output = {0, -1, {3, 5}};
    view.stages = {{"minmax", 0.5}, {text, 0.25}};
    view.curves = {{"activation scale", 0.5, {0.5, 1.0, 1.5}, {0.4, 0.125, 0.2}}};
    site.models.emplace_back(view);
  }
  report.sites = {site, site};
  report.sites[1].models[0].reset();
  report.skipped_images = {{text, text}};
  return report;
}

}  // namespace nq::test
