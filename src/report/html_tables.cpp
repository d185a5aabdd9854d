#include "report/html_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "nq/number_text.hpp"
#include "pipeline/base64.hpp"
#include "report/html_table.hpp"
#include "report/html_text.hpp"
#include "report/number_text.hpp"

namespace nq {
namespace {

constexpr std::size_t kTopClasses = 3;

std::string interval_text(const std::pair<double, double>& interval) {
  return fmt::format(" <span class=\"range\">{:.2f} to {:.2f}</span>", 100 * interval.first, 100 * interval.second);
}

std::string accuracy(const ReportModel& model, double value, const std::pair<double, double>& interval) {
  return model.eval.labelled > 0 ? share_text(value) + interval_text(interval) : kNoFigure;
}

std::string energy_text(const std::optional<NoiseOverhead>& noise) {
  if (!noise) return kNoFigure;
  return small_share_text(noise->float32_energy_share()) + " <span class=\"range\">int16 " +
         small_share_text(noise->int16_energy_share()) + "</span>";
}

std::vector<std::string> overview_row(const ReportModel& model, std::optional<double> reduction, bool with_time) {
  const auto& against = model.eval.reference;
  std::vector<std::string> cells{html_name(model.label),
          accuracy(model, model.eval.top1(), model.top1_interval),
          accuracy(model, model.eval.top5(), model.top5_interval),
          mse_text(against ? std::optional(against->logit_mse) : std::nullopt),
          reduction ? fmt::format("{:.1f} %", 100 * *reduction) : kNoFigure,
          share_text(against ? std::optional(against->agreement) : std::nullopt),
          bytes_text(model.bytes),
          model.noise ? small_share_text(model.noise->share()) : kNoFigure,
          energy_text(model.noise)};
  if (with_time) {
    cells.push_back(model.speed ? fmt::format("{:.2f} ms", model.speed->median_ms() / static_cast<double>(model.speed->batch)) : kNoFigure);
  }
  return cells;
}

/// Position of each image among the pictures.
std::map<std::string, std::size_t> picture_places(const Report& report) {
  std::map<std::string, std::size_t> places;
  for (std::size_t k = 0; k < report.pictures.size(); ++k) places.emplace(report.pictures[k].image.name, k);
  return places;
}

std::string top_classes(const Report& report, const ReportPicture& picture, std::size_t row) {
  const std::vector<float>& scores = picture.scores[row];
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::string text;
  for (std::size_t k = 0; k < std::min(kTopClasses, order.size()); ++k) {
    const std::int64_t index = picture.scored.empty() ? static_cast<std::int64_t>(order[k]) : picture.scored[order[k]];
    text += fmt::format("{}{} {:.3f}", k == 0 ? "" : "; ", class_text(report, index), scores[order[k]]);
  }
  return text;
}

}  // namespace

std::string class_text(const Report& report, std::int64_t index) {
  const auto place = static_cast<std::size_t>(index);
  if (place >= report.class_names.size() || report.class_names[place].empty()) return std::to_string(index);
  return html_name(report.class_names[place]);
}

std::string overview_table(const Report& report) {
  const bool with_time = report.reference.speed.has_value();
  std::vector<std::string> columns{"model", "top-1", "top-5", "logit MSE", "reduction", "agreement", "file", "noise memory", "noise energy"};
  if (with_time) columns.push_back("time per image");
  HtmlTable table(fmt::format("Models on {} images, intervals at {:g} %", report.images, 100 * report.confidence), columns,
                  " id=\"overview-table\"");
  table.row(overview_row(report.reference, std::nullopt, with_time));
  for (std::size_t k = 0; k < report.models.size(); ++k) {
    table.row(overview_row(report.models[k], report.reduction(k), with_time));
  }
  HtmlTable quantized("What is quantized", {"model", "layers and products"});
  for (const ReportModel& model : report.models) quantized.row({html_name(model.label), html_text(model.quantized)});
  return table.finish() + quantized.finish();
}

std::string provenance_tables(const Report& report) {
  HtmlTable files("Files", {"model", "file", "SHA-256", "how it was made"});
  const auto add = [&](const ReportModel& model) {
    std::string made;
    for (const auto& [key, text] : model.provenance) made += fmt::format("{}{}: {}", made.empty() ? "" : "<br>", html_text(key), html_name(text));
    files.row({html_name(model.label), html_name(model.file), "<code>" + html_text(model.sha256) + "</code>", made.empty() ? kNoFigure : made});
  };
  add(report.reference);
  for (const ReportModel& model : report.models) add(model);
  HtmlTable images("Images and preprocessing", {"what", "value"});
  images.row({"images", std::to_string(report.images)});
  images.row({"images of the layers", std::to_string(report.layer_images)});
  images.row({"SHA-256 of the list", "<code>" + html_text(report.image_list_sha256) + "</code>"});
  images.row({"labels", html_name(report.label_source)});
  images.row({"preprocessing from", html_name(report.preprocess_source)});
  images.row({"preprocessing", "<pre>" + html_text(report.preprocess) + "</pre>"});
  images.row({"written by", "nqcli " + html_text(report.version)});
  std::string text = files.finish() + images.finish();
  if (report.skipped_images.empty()) return text;
  HtmlTable skipped("Images left out", {"image", "reason"});
  for (const SkippedImage& image : report.skipped_images) skipped.row({html_name(image.name), html_name(image.reason)});
  return text + skipped.finish();
}

std::string worst_table(const Report& report) {
  std::vector<std::string> columns{"image", "label", html_name(report.reference.label)};
  for (const ReportModel& model : report.models) columns.push_back(html_name(model.label));
  columns.push_back("largest logit MSE");
  HtmlTable table(fmt::format("{} of {} images, those on which the models disagree ({} in all) first, worst first", report.worst.size(),
                              report.images, report.disagreements),
                  columns, " id=\"worst-table\"");
  const auto places = picture_places(report);
  for (const ReportImage& image : report.worst) {
    const auto place = places.find(image.name);
    std::vector<std::string> cells{place == places.end() ? html_name(image.name)
                                                         : fmt::format("<a href=\"#picture-{}\">{}</a>", place->second, html_name(image.name))};
    cells.push_back(image.label ? class_text(report, *image.label) : kNoFigure);
    for (const std::int64_t index : image.classes) {
      const bool other = index != image.classes.front();
      cells.push_back((other ? "<strong class=\"other\">" : "") + class_text(report, index) + (other ? "</strong>" : ""));
    }
    cells.push_back(mse_text(image.largest_mse));
    table.row(cells);
  }
  return table.finish();
}

std::string picture_articles(const Report& report) {
  std::string text;
  for (std::size_t k = 0; k < report.pictures.size(); ++k) {
    const ReportPicture& picture = report.pictures[k];
    const std::span bytes(reinterpret_cast<const std::int8_t*>(picture.jpeg.data()), picture.jpeg.size());
    text += fmt::format("<article class=\"picture\" id=\"picture-{}\" data-picture=\"{}\"><h3>{}</h3><div class=\"picture-body\">", k, k,
                        html_name(picture.image.name));
    if (!picture.jpeg.empty()) {
      text += fmt::format("<img alt=\"{}\" width=\"{}\" height=\"{}\" src=\"data:image/jpeg;base64,{}\">", html_text(picture.image.name),
                          picture.width, picture.height, base64_encode(bytes));
    }
    text += "<div><p>Label: " + (picture.image.label ? class_text(report, *picture.image.label) : "none") + "</p>";
    HtmlTable table("Highest scores", {"model", "class and score", "logit MSE"});
    for (std::size_t row = 0; row < picture.scores.size(); ++row) {
      table.row({html_name(row == 0 ? report.reference.label : report.models[row - 1].label), top_classes(report, picture, row),
                 row == 0 ? kNoFigure : mse_text(picture.image.logit_mse[row - 1])});
    }
    text += table.finish() + "</div></div><div class=\"slot\"></div></article>\n";
  }
  return text;
}

namespace {

/// Layers that the tables leave out or show without an own error, and why; empty for none.
std::string gaps_table(const Report& report) {
  HtmlTable table("Layers that could not be compared", {"model", "layer", "missing", "reason"}, " id=\"gaps-table\"");
  bool any = false;
  const auto add = [&](const ReportModel& model, const std::string& layer, const char* missing, const std::string& reason) {
    table.row({html_name(model.label), html_name(layer), missing, html_name(reason)});
    any = true;
  };
  for (std::size_t k = 0; k < report.models.size(); ++k) {
    const ReportModel& model = report.models[k];
    for (const UnmatchedLayer& layer : model.unmatched) add(model, layer.name, "everything", layer.reason);
    for (const ReportSite& site : report.sites) {
      const auto& view = site.models[k];
      if (view && view->error.quantized && !view->error.local_mse) add(model, site.name, "own error", view->error.local_gap);
    }
  }
  return any ? table.finish() : std::string();
}

}  // namespace

std::string layers_table(const Report& report) {
  std::vector<std::string> columns{"layer"};
  for (const ReportModel& model : report.models) {
    columns.push_back(html_name(model.label) + " own dB");
    columns.push_back(html_name(model.label) + " accumulated dB");
  }
  HtmlTable table(fmt::format("SQNR of every layer's output on {} images, in network order", report.layer_images), columns,
                  " id=\"layers-table\"");
  for (std::size_t k = 0; k < report.sites.size(); ++k) {
    const ReportSite& site = report.sites[k];
    std::vector<std::string> cells{fmt::format("<a href=\"#site-{}\">{}</a>", k, html_name(site.name))};
    for (const auto& view : site.models) {
      cells.push_back(view ? own_error_text(*view) : kNoFigure);
      cells.push_back(view ? decibel_text(view->error.accumulated_sqnr_db) : kNoFigure);
    }
    table.row(cells, fmt::format(" data-site=\"{}\"", k));
  }
  return table.finish() + gaps_table(report);
}

}  // namespace nq
