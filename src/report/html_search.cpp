#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <span>

#include "report/html_table.hpp"
#include "report/html_tables.hpp"

namespace nq {
namespace {

/// Most rows of a table that stands for a chart: what has more is put together, or left out in between.
constexpr std::int64_t kCodeRows = 16;
constexpr std::int64_t kChannelRows = 8;
/// Of a curve: with these both kinds keep their ends and the chosen value.
constexpr std::size_t kCurveRows = 13;

/// One quantizer or curve, and the model that it belongs to.
template <typename Item>
struct Column {
  std::string model;
  const Item* item = nullptr;
};

using QuantizerColumns = std::vector<Column<QuantizerView>>;

template <typename Item>
std::vector<std::string> headings(const char* first, const std::vector<Column<Item>>& columns) {
  std::vector<std::string> names{first};
  for (const auto& column : columns) names.push_back(column.model);
  return names;
}

std::string range_text(std::int64_t first, std::int64_t last) { return first == last ? std::to_string(first) : fmt::format("{} to {}", first, last); }

/// Quantizers of one operand that pass a test.
template <typename Test>
QuantizerColumns quantizers(const Report& report, const ReportSite& site, std::size_t operand, const Test& test) {
  QuantizerColumns columns;
  for (std::size_t k = 0; k < site.models.size(); ++k) {
    if (!site.models[k]) continue;
    for (const QuantizerView& quantizer : site.models[k]->quantizers) {
      if (static_cast<std::size_t>(quantizer.operand) == operand && test(quantizer)) columns.push_back({html_name(report.models[k].label), &quantizer});
    }
  }
  return columns;
}

/// The part of a list that the indices [first, first + count) cover.
template <typename T>
std::span<const T> part(const std::vector<T>& list, std::int64_t first, std::int64_t count) {
  const auto size = static_cast<std::int64_t>(list.size());
  const std::int64_t begin = std::clamp<std::int64_t>(first, 0, size);
  const std::int64_t end = std::clamp<std::int64_t>(first + count, begin, size);
  return std::span(list).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

}  // namespace

std::string codes_table(const Report& report, const ReportSite& site, std::size_t operand) {
  const QuantizerColumns columns = quantizers(report, site, operand, [](const QuantizerView& view) { return !view.codes.empty(); });
  if (columns.empty()) return {};
  std::int64_t first = INT64_MAX;
  std::int64_t last = INT64_MIN;
  for (const auto& column : columns) {
    first = std::min(first, column.item->code_min);
    last = std::max(last, column.item->code_min + static_cast<std::int64_t>(column.item->codes.size()) - 1);
  }
  const auto step = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>((last - first) / kCodeRows + 1)));
  HtmlTable table(fmt::format("{}: values per code", operand_text(site, operand, "Quantized values")), headings("code", columns), kInDetails);
  for (std::int64_t code = first; code <= last; code += step) {
    std::vector<std::string> cells{range_text(code, std::min(code + step - 1, last))};
    for (const auto& column : columns) {
      std::int64_t sum = 0;
      for (const std::int64_t count : part(column.item->codes, code - column.item->code_min, step)) sum += count;
      cells.push_back(std::to_string(sum));
    }
    table.row(cells);
  }
  return table.finish();
}

std::string noise_table(const Report& report, const ReportSite& site) {
  const QuantizerColumns columns = quantizers(report, site, 0, [](const QuantizerView& view) { return !view.noisy_bias.empty(); });
  if (columns.empty()) return {};
  std::int64_t channels = 0;
  for (const auto& column : columns) channels = std::max(channels, static_cast<std::int64_t>(column.item->noisy_bias.size()));
  const std::int64_t step = (channels - 1) / kChannelRows + 1;
  HtmlTable table("Noisy bias N over the channels", headings("channels", columns), kInDetails);
  for (std::int64_t channel = 0; channel < channels; channel += step) {
    std::vector<std::string> cells{range_text(channel, std::min(channel + step, channels) - 1)};
    for (const auto& column : columns) {
      const auto values = part(column.item->noisy_bias, channel, step);
      if (values.empty()) {
        cells.emplace_back();
        continue;
      }
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      cells.push_back(values.size() == 1 ? fmt::format("{:.4g}", *low) : fmt::format("{:.4g} to {:.4g}", *low, *high));
    }
    table.row(cells);
  }
  return table.finish();
}

std::string curve_table(const Report& report, const ReportSite& site, const std::string& parameter) {
  std::vector<Column<LossCurve>> columns;
  for (std::size_t k = 0; k < site.models.size(); ++k) {
    if (!site.models[k]) continue;
    for (const LossCurve& curve : site.models[k]->curves) {
      if (curve.parameter == parameter) columns.push_back({html_name(report.models[k].label), &curve});
    }
  }
  if (columns.empty()) return {};
  HtmlTable table("Loss over the " + parameter, headings("multiple of the chosen value", columns), kInDetails);
  // Every curve of a parameter is traced at the same multiples.
  const std::vector<double>& ratios = columns.front().item->ratio;
  const std::size_t step = (ratios.size() - 1) / kCurveRows + 1;
  for (std::size_t k = 0; k < ratios.size(); k += step) {
    std::vector<std::string> cells{fmt::format("{:.4g}", ratios[k])};
    for (const auto& column : columns) cells.push_back(k < column.item->mse.size() ? fmt::format("{:.4g}", column.item->mse[k]) : std::string());
    table.row(cells);
  }
  return table.finish();
}

}  // namespace nq
