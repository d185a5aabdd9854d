#include "nq/plot.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/check.hpp"
#include "report/draw_figure.hpp"
#include "report/report_figures.hpp"

namespace nq {
namespace {

constexpr std::size_t kNamesListed = 8;
constexpr double kPixelsPerUnit = 2;
constexpr int kSketchColumns = 72;
constexpr int kSketchRows = 16;

template <typename Items, typename NameOf>
std::string some_names(const Items& items, const NameOf& name_of) {
  std::vector<std::string> names;
  for (std::size_t k = 0; k < std::min(items.size(), kNamesListed); ++k) names.push_back("'" + name_of(items[k]) + "'");
  if (items.size() > kNamesListed) names.push_back(fmt::format("{} more", items.size() - kNamesListed));
  return fmt::format("{}", fmt::join(names, ", "));
}

double own_error_db(const ReportSite& site) {
  double worst = INFINITY;
  for (const auto& view : site.models) {
    if (view && !view->quantizers.empty() && view->error.local_sqnr_db) worst = std::min(worst, *view->error.local_sqnr_db);
  }
  return worst;
}

const ReportSite& chosen_site(const Report& report, const std::string& wanted) {
  NQ_CHECK(!report.sites.empty(), usage, "the report has no layers: make it without --no-layers");
  if (wanted.empty()) {
    return *std::min_element(report.sites.begin(), report.sites.end(),
                             [](const ReportSite& a, const ReportSite& b) { return own_error_db(a) < own_error_db(b); });
  }
  for (const ReportSite& site : report.sites) {
    if (site.name == wanted) return site;
  }
  std::size_t place = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), place);
  NQ_CHECK(error == std::errc{} && end == wanted.data() + wanted.size() && place < report.sites.size(), usage,
           "no layer '{}': the report has {}, or a number below {}", wanted,
           some_names(report.sites, [](const ReportSite& site) { return site.name; }), report.sites.size());
  return report.sites[place];
}

const ReportPicture& chosen_picture(const Report& report, const std::string& wanted) {
  NQ_CHECK(!report.pictures.empty(), usage, "the report has no image with scores");
  if (wanted.empty()) return report.pictures.front();
  const auto found = std::find_if(report.pictures.begin(), report.pictures.end(),
                                  [&](const ReportPicture& picture) { return picture.image.name == wanted; });
  NQ_CHECK(found != report.pictures.end(), usage, "no scores of image '{}': the report has {}; nqcli report --show adds others", wanted,
           some_names(report.pictures, [](const ReportPicture& picture) { return picture.image.name; }));
  return *found;
}

Sheet curve_sheet(const Report& report, const ReportSite& site) {
  Sheet sheet;
  for (const char* parameter : {"activation scale", "noisy bias"}) {
    Figure figure = curve_figure(report, site, parameter);
    if (!figure.series.empty()) sheet.figures.push_back(std::move(figure));
  }
  NQ_CHECK(!sheet.figures.empty(), usage, "the report has no search curve of '{}': it needs the recipe beside each model", site.name);
  sheet.columns = static_cast<int>(sheet.figures.size());
  return sheet;
}

Sheet sheet_of(const Report& report, const PlotOptions& options) {
  switch (options.figure) {
    case PlotFigure::mse: return {1, {mse_figure(report)}};
    case PlotFigure::scores: return {1, {scores_figure(report, chosen_picture(report, options.image))}};
    case PlotFigure::layers: return {1, {layers_figure(report, options.accumulated)}};
    case PlotFigure::curve: return curve_sheet(report, chosen_site(report, options.site));
    case PlotFigure::noise: return {1, {noise_figure(report, chosen_site(report, options.site))}};
    case PlotFigure::site: break;
  }
  const ReportSite& site = chosen_site(report, options.site);
  Sheet sheet = site_sheet(report, site, options.log);
  NQ_CHECK(!sheet.figures.empty(), usage, "no model quantizes the input of '{}'", site.name);
  sheet.figures.front().title += " of " + site.name;
  return sheet;
}

double sheet_height(const Sheet& sheet, double row) {
  const auto columns = static_cast<std::size_t>(sheet.columns);
  return row * static_cast<double>((sheet.figures.size() + columns - 1) / columns);
}

Theme theme_of(const PlotOptions& options) { return options.dark ? dark_theme() : light_theme(); }

}  // namespace

std::string plot_svg(const Report& report, const PlotOptions& options) {
  const Sheet sheet = sheet_of(report, options);
  const Theme theme = theme_of(options);
  const double height = sheet_height(sheet, options.height);
  const auto canvas = make_svg_canvas(options.width, height, theme.background, sheet.figures.front().title);
  draw_sheet(sheet, *canvas, options.width, height, theme);
  return canvas->finish();
}

std::string plot_png(const Report& report, const PlotOptions& options) {
  const Sheet sheet = sheet_of(report, options);
  const Theme theme = theme_of(options);
  const double height = sheet_height(sheet, options.height);
  const auto canvas = make_png_canvas(options.width, height, theme.background, kPixelsPerUnit);
  draw_sheet(sheet, *canvas, options.width, height, theme);
  return canvas->finish();
}

std::string plot_text(const Report& report, const PlotOptions& options) {
  std::string text;
  for (const Figure& figure : sheet_of(report, options).figures) text += sketch_figure(figure, kSketchColumns, kSketchRows) + "\n";
  return text;
}

}  // namespace nq
