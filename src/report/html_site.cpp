#include <fmt/format.h>

#include <algorithm>

#include "report/html_table.hpp"
#include "report/html_tables.hpp"
#include "report/number_text.hpp"

namespace nq {
namespace {

constexpr std::int64_t kTableBins = 16;

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

std::string site_tables(const Report& report, const ReportSite& site) {
  std::string text = site_figures(report, site);
  std::vector<std::string> input_names{html_name(report.reference.label) + " X"};
  std::vector<std::string> output_names{html_name(report.reference.label)};
  std::vector<Histogram> inputs{site.inputs.empty() ? Histogram{} : site.inputs.front()};
  std::vector<Histogram> outputs{site.output};
  for (std::size_t k = 0; k < site.models.size(); ++k) {
    const auto& view = site.models[k];
    if (!view) continue;
    if (!view->quantizers.empty()) {
      const bool moved = !view->quantizers.front().noisy_bias.empty();
      input_names.push_back(html_name(report.models[k].label) + (moved ? " X + N" : " X"));
      inputs.push_back(view->quantizers.front().input);
    }
    if (view->output.counts.empty()) continue;
    output_names.push_back(html_name(report.models[k].label));
    outputs.push_back(view->output);
  }
  return text + "<div class=\"beside\">" + histogram_table("Input: values per bin", input_names, inputs) +
         histogram_table("Output: values per bin", output_names, outputs) + "</div>";
}

}  // namespace nq
