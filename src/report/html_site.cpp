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
  HtmlTable table(caption, columns, kInDetails);
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
  HtmlTable table("Figures", model_columns(report, {"figure"}), kInDetails);
  figure_row(table, "own error, SQNR in dB", site, own_error_text);
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

/// What reaches one operand in the float model, and the quantizers of the others there.
std::string input_table(const Report& report, const ReportSite& site, std::size_t operand) {
  std::vector<std::string> names{html_name(report.reference.label) + " X"};
  std::vector<Histogram> inputs{site.inputs[operand]};
  for (std::size_t k = 0; k < site.models.size(); ++k) {
    if (!site.models[k]) continue;
    for (const QuantizerView& quantizer : site.models[k]->quantizers) {
      if (static_cast<std::size_t>(quantizer.operand) != operand) continue;
      names.push_back(html_name(report.models[k].label) + (quantizer.noisy_bias.empty() ? " X" : " X + N"));
      inputs.push_back(quantizer.input);
    }
  }
  return histogram_table(operand_text(site, operand, "Input") + ": values per bin", names, inputs);
}

}  // namespace

std::string operand_text(const ReportSite& site, std::size_t operand, const std::string& what) {
  if (site.inputs.size() < 2) return what;
  return what + (operand == 0 ? ", left operand" : ", right operand");
}

std::string own_error_text(const SiteView& view) { return view.error.quantized ? decibel_text(view.error.local_sqnr_db) : "float"; }

std::string site_tables(const Report& report, const ReportSite& site) {
  std::string text = site_figures(report, site) + "<div class=\"beside\">";
  for (std::size_t operand = 0; operand < site.inputs.size(); ++operand) {
    text += input_table(report, site, operand) + codes_table(report, site, operand);
  }
  std::vector<std::string> names{html_name(report.reference.label)};
  std::vector<Histogram> outputs{site.output};
  for (std::size_t k = 0; k < site.models.size(); ++k) {
    const auto& view = site.models[k];
    if (!view || view->output.counts.empty()) continue;
    names.push_back(html_name(report.models[k].label));
    outputs.push_back(view->output);
  }
  text += histogram_table("Output: values per bin", names, outputs) + noise_table(report, site);
  return text + curve_table(report, site, "activation scale") + curve_table(report, site, "noisy bias") + "</div>";
}

}  // namespace nq
