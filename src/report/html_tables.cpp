#include "report/html_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "pipeline/base64.hpp"
#include "report/html_text.hpp"
#include "report/number_text.hpp"

namespace nq {
namespace {

constexpr std::int64_t kTableBins = 24;
constexpr std::size_t kTopClasses = 3;

/// A table whose first column and first row are headings. Cells are HTML, the caption is plain text of our own.
class HtmlTable {
 public:
  HtmlTable(std::string caption, const std::vector<std::string>& columns, std::string attributes = {}) {
    text_ = fmt::format("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table{1}><caption>{0}</caption><thead><tr>",
                        caption, attributes);
    for (const std::string& column : columns) text_ += "<th scope=\"col\">" + column + "</th>";
    text_ += "</tr></thead><tbody>\n";
  }

  void row(const std::vector<std::string>& cells, const std::string& attributes = {}) {
    text_ += "<tr" + attributes + ">";
    for (std::size_t k = 0; k < cells.size(); ++k) {
      text_ += k == 0 ? "<th scope=\"row\">" + cells[k] + "</th>" : "<td>" + cells[k] + "</td>";
    }
    text_ += "</tr>\n";
  }

  std::string finish() { return text_ + "</tbody></table></div>\n"; }

 private:
  std::string text_;
};

std::string name(std::string_view text) { return "<bdi>" + html_text(text) + "</bdi>"; }

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
  std::vector<std::string> cells{name(model.label),
          accuracy(model, model.eval.top1(), model.top1_interval),
          accuracy(model, model.eval.top5(), model.top5_interval),
          mse_text(against ? std::optional(against->logit_mse) : std::nullopt),
          reduction ? fmt::format("{:.1f} %", 100 * *reduction) : kNoFigure,
          share_text(against ? std::optional(against->agreement) : std::nullopt),
          file_size_text(model.bytes),
          model.noise ? small_share_text(model.noise->share()) : kNoFigure,
          energy_text(model.noise)};
  if (with_time) {
    cells.push_back(model.speed ? fmt::format("{:.2f} ms", model.speed->median_ms() / static_cast<double>(model.speed->batch)) : kNoFigure);
  }
  return cells;
}

std::vector<std::string> model_columns(const Report& report, const std::vector<std::string>& first) {
  std::vector<std::string> columns = first;
  for (const ReportModel& model : report.models) columns.push_back(name(model.label));
  return columns;
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

std::string histogram_table(const std::string& caption, const std::vector<std::string>& names, std::vector<Histogram> histograms) {
  std::vector<Histogram*> pointers;
  for (Histogram& histogram : histograms) pointers.push_back(&histogram);
  align(pointers, kTableBins);
  std::int64_t first = INT64_MAX;
  std::int64_t last = INT64_MIN;
  const Histogram* some = nullptr;
  for (const Histogram& histogram : histograms) {
    if (histogram.counts.empty()) continue;
    first = std::min(first, histogram.first);
    last = std::max(last, histogram.first + static_cast<std::int64_t>(histogram.counts.size()));
    some = &histogram;
  }
  if (some == nullptr) return {};
  std::vector<std::string> columns{"from"};
  columns.insert(columns.end(), names.begin(), names.end());
  HtmlTable table(caption, columns);
  for (std::int64_t bin = first; bin < last; ++bin) {
    std::vector<std::string> cells{fmt::format("{:.5g}", static_cast<double>(bin) * some->width())};
    for (const Histogram& histogram : histograms) {
      const std::int64_t place = bin - histogram.first;
      const bool inside = place >= 0 && place < static_cast<std::int64_t>(histogram.counts.size());
      cells.push_back(inside ? std::to_string(histogram.counts[static_cast<std::size_t>(place)]) : "0");
    }
    table.row(cells);
  }
  return table.finish();
}

std::string stages_text(const SiteView& view) {
  std::string text;
  for (const StageLoss& stage : view.stages) text += fmt::format("{}{} {:.4g}", text.empty() ? "" : ", ", html_text(stage.stage), stage.mse);
  return text.empty() ? kNoFigure : text;
}

std::string noise_text(const QuantizerView& quantizer) {
  if (quantizer.noisy_bias.empty()) return "none";
  const auto [low, high] = std::minmax_element(quantizer.noisy_bias.begin(), quantizer.noisy_bias.end());
  return fmt::format("{:.4g} to {:.4g} over {} channels", *low, *high, quantizer.noisy_bias.size());
}

/// One line of the table of a site: a figure of every model.
template <typename Cell>
void figure_row(HtmlTable& table, const char* title, const ReportSite& site, const Cell& cell) {
  std::vector<std::string> cells{title};
  for (const auto& view : site.models) cells.push_back(view ? cell(*view) : kNoFigure);
  table.row(cells);
}

template <typename Cell>
void quantizer_row(HtmlTable& table, const char* title, const ReportSite& site, const Cell& cell) {
  figure_row(table, title, site, [&](const SiteView& view) {
    std::string text;
    for (const QuantizerView& quantizer : view.quantizers) text += (text.empty() ? "" : "; ") + cell(quantizer);
    return text.empty() ? std::string(kNoFigure) : text;
  });
}

std::string site_figures(const Report& report, const ReportSite& site) {
  HtmlTable table("Figures", model_columns(report, {""}));
  figure_row(table, "own error, SQNR in dB", site, [](const SiteView& view) { return decibel_text(view.error.local_sqnr_db); });
  figure_row(table, "own error, MSE", site, [](const SiteView& view) { return mse_text(view.error.local_mse); });
  figure_row(table, "accumulated, SQNR in dB", site, [](const SiteView& view) { return decibel_text(view.error.accumulated_sqnr_db); });
  figure_row(table, "accumulated, MSE", site, [](const SiteView& view) { return mse_text(view.error.accumulated_mse); });
  quantizer_row(table, "bits", site, [](const QuantizerView& view) { return std::to_string(view.bits); });
  quantizer_row(table, "scale", site, [](const QuantizerView& view) { return fmt::format("{:.6g}", view.scale); });
  quantizer_row(table, "zero_point", site, [](const QuantizerView& view) { return std::to_string(view.zero_point); });
  quantizer_row(table, "clipped values", site, [](const QuantizerView& view) { return small_share_text(view.clip_share()); });
  quantizer_row(table, "noisy_bias N", site, noise_text);
  figure_row(table, "weight bits", site, [](const SiteView& view) { return view.weight_bits > 0 ? std::to_string(view.weight_bits) : kNoFigure; });
  figure_row(table, "weight scales", site, [](const SiteView& view) {
    return view.weight_bits > 0 ? fmt::format("{:.4g} to {:.4g}", view.weight_scale_min, view.weight_scale_max) : std::string(kNoFigure);
  });
  figure_row(table, "loss by stage of the search", site, stages_text);
  return table.finish();
}

}  // namespace

std::string class_text(const Report& report, std::int64_t index) {
  const auto place = static_cast<std::size_t>(index);
  if (place >= report.class_names.size() || report.class_names[place].empty()) return std::to_string(index);
  return name(report.class_names[place]);
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
  for (const ReportModel& model : report.models) quantized.row({name(model.label), html_text(model.quantized)});
  return table.finish() + quantized.finish();
}

std::string provenance_tables(const Report& report) {
  HtmlTable files("Files", {"model", "file", "SHA-256", "how it was made"});
  const auto add = [&](const ReportModel& model) {
    std::string made;
    for (const auto& [key, text] : model.provenance) made += fmt::format("{}{}: {}", made.empty() ? "" : "<br>", html_text(key), name(text));
    files.row({name(model.label), name(model.file), "<code>" + html_text(model.sha256) + "</code>", made.empty() ? kNoFigure : made});
  };
  add(report.reference);
  for (const ReportModel& model : report.models) add(model);
  HtmlTable images("Images and preprocessing", {"", ""});
  images.row({"images", std::to_string(report.images)});
  images.row({"images of the layers", std::to_string(report.layer_images)});
  images.row({"SHA-256 of the list", "<code>" + html_text(report.image_list_sha256) + "</code>"});
  images.row({"labels", name(report.label_source)});
  images.row({"preprocessing from", name(report.preprocess_source)});
  images.row({"preprocessing", "<pre>" + html_text(report.preprocess) + "</pre>"});
  images.row({"written by", "nqcli " + html_text(report.version)});
  std::string text = files.finish() + images.finish();
  if (report.skipped_images.empty()) return text;
  HtmlTable skipped("Images left out", {"image", "reason"});
  for (const SkippedImage& image : report.skipped_images) skipped.row({name(image.name), name(image.reason)});
  return text + skipped.finish();
}

std::string worst_table(const Report& report) {
  std::vector<std::string> columns{"image", "label", name(report.reference.label)};
  for (const ReportModel& model : report.models) columns.push_back(name(model.label));
  columns.push_back("largest logit MSE");
  HtmlTable table(fmt::format("{} of {} images on which the models disagree come first, worst first", report.disagreements, report.images),
                  columns, " id=\"worst-table\"");
  const auto places = picture_places(report);
  for (const ReportImage& image : report.worst) {
    const auto place = places.find(image.name);
    std::vector<std::string> cells{place == places.end() ? name(image.name)
                                                         : fmt::format("<a href=\"#picture-{}\">{}</a>", place->second, name(image.name))};
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
                        name(picture.image.name));
    if (!picture.jpeg.empty()) {
      text += fmt::format("<img alt=\"{}\" width=\"{}\" height=\"{}\" src=\"data:image/jpeg;base64,{}\">", html_text(picture.image.name),
                          picture.width, picture.height, base64_encode(bytes));
    }
    text += "<div><p>Label: " + (picture.image.label ? class_text(report, *picture.image.label) : "none") + "</p>";
    HtmlTable table("Highest scores", {"model", "class and score", "logit MSE"});
    for (std::size_t row = 0; row < picture.scores.size(); ++row) {
      table.row({name(row == 0 ? report.reference.label : report.models[row - 1].label), top_classes(report, picture, row),
                 row == 0 ? kNoFigure : mse_text(picture.image.logit_mse[row - 1])});
    }
    text += table.finish() + "</div></div><div class=\"slot\"></div></article>\n";
  }
  return text;
}

std::string layers_table(const Report& report) {
  std::vector<std::string> columns{"layer"};
  for (const ReportModel& model : report.models) {
    columns.push_back(name(model.label) + " own dB");
    columns.push_back(name(model.label) + " accumulated dB");
  }
  HtmlTable table(fmt::format("SQNR of every layer's output on {} images, in network order", report.layer_images), columns,
                  " id=\"layers-table\"");
  for (std::size_t k = 0; k < report.sites.size(); ++k) {
    const ReportSite& site = report.sites[k];
    std::vector<std::string> cells{fmt::format("<a href=\"#site-{}\">{}</a>", k, name(site.name))};
    for (const auto& view : site.models) {
      const bool is_float = view && !view->error.quantized;
      cells.push_back(!view ? kNoFigure : is_float ? "float" : decibel_text(view->error.local_sqnr_db));
      cells.push_back(view ? decibel_text(view->error.accumulated_sqnr_db) : kNoFigure);
    }
    table.row(cells, fmt::format(" data-site=\"{}\"", k));
  }
  return table.finish();
}

std::string site_tables(const Report& report, const ReportSite& site) {
  std::string text = site_figures(report, site);
  std::vector<std::string> input_names{name(report.reference.label) + " X"};
  std::vector<std::string> output_names{name(report.reference.label)};
  std::vector<Histogram> inputs{site.inputs.empty() ? Histogram{} : site.inputs.front()};
  std::vector<Histogram> outputs{site.output};
  for (std::size_t k = 0; k < site.models.size(); ++k) {
    const auto& view = site.models[k];
    if (!view) continue;
    if (!view->quantizers.empty()) {
      const bool moved = !view->quantizers.front().noisy_bias.empty();
      input_names.push_back(name(report.models[k].label) + (moved ? " X + N" : " X"));
      inputs.push_back(view->quantizers.front().input);
    }
    if (view->output.counts.empty()) continue;
    output_names.push_back(name(report.models[k].label));
    outputs.push_back(view->output);
  }
  return text + "<div class=\"beside\">" + histogram_table("Input: values per bin", input_names, inputs) +
         histogram_table("Output: values per bin", output_names, outputs) + "</div>";
}

}  // namespace nq
