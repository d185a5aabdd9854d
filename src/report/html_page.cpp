#include <fmt/format.h>

#include <array>

#include "core/hash.hpp"
#include "nq/report_page.hpp"
#include "page_parts.hpp"
#include "pipeline/base64.hpp"
#include "report/html_tables.hpp"
#include "report/html_text.hpp"
#include "report/report_json.hpp"

namespace nq {
namespace {

/// The hash by which the page's policy knows a script of its own.
std::string script_hash(std::string_view script) {
  const std::string hex = sha256_hex(script);
  std::vector<std::int8_t> bytes;
  for (std::size_t k = 0; k < hex.size(); k += 2) bytes.push_back(static_cast<std::int8_t>(std::stoi(hex.substr(k, 2), nullptr, 16)));
  return "'sha256-" + base64_encode(bytes) + "'";
}

std::string head(const Report& report) {
  std::string hashes;
  for (const std::string_view script : {kChartMinJs, kChartsJs, kPageJs}) hashes += " " + script_hash(script);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
      "script-src{}; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>Quantization report: {}</title>\n<style>\n{}</style>\n</head>\n",
      hashes, html_text(report.reference.label), kPageCss);
}

std::string section(const char* id, const char* title, const std::string& content) {
  return fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-title\">\n<h2 id=\"{0}-title\">{1}</h2>\n{2}</section>\n", id, title, content);
}

std::string sites_section(const Report& report) {
  std::string content = "<p>Every layer alone: its error, its quantizers, and the distributions at its input and output.</p>\n";
  for (std::size_t k = 0; k < report.sites.size(); ++k) {
    content += fmt::format("<details class=\"site\" id=\"site-{}\"><summary><bdi>{}</bdi></summary>\n{}</details>\n", k,
                           html_text(report.sites[k].name), site_tables(report, report.sites[k]));
  }
  return content;
}

std::string body(const Report& report) {
  const bool has_layers = !report.sites.empty();
  std::string text =
      "<body>\n<a class=\"skip\" href=\"#overview\">Skip to the overview</a>\n<header>\n<h1>Quantization report</h1>\n<p><bdi>" +
      html_text(report.reference.label) + "</bdi>";
  for (const ReportModel& model : report.models) text += " &middot; <bdi>" + html_text(model.label) + "</bdi>";
  text += "</p>\n<nav aria-label=\"Sections\"><a href=\"#overview\">Overview</a> <a href=\"#images\">Images</a> ";
  if (has_layers) text += "<a href=\"#layers\">Layers</a> <a href=\"#sites\">Tables of layers</a> ";
  text += "<a href=\"#provenance\">Provenance</a></nav>\n</header>\n<main>\n";
  text += section("overview", "Overview", overview_table(report) + "<div class=\"charts\" id=\"overview-charts\"></div>\n");
  text += section("images", "Images",
                  worst_table(report) + "<div id=\"gallery\" role=\"group\" aria-label=\"Choose an image\" hidden></div>\n<div id=\"pictures\">\n" +
                      picture_articles(report) + "</div>\n");
  if (has_layers) {
    text += section("layers", "Layers",
                    "<div class=\"charts\" id=\"layer-charts\"></div>\n" + layers_table(report) +
                        "<div id=\"site-panel\" role=\"region\" aria-labelledby=\"site-panel-title\" hidden></div>\n");
    text += section("sites", "Tables of layers", sites_section(report));
  }
  return text + section("provenance", "Provenance", provenance_tables(report)) + "</main>\n";
}

/// The page's own copy of the data: without what it does not draw or has in its elements already, long lists packed.
std::string embedded_data(const Report& report) {
  Json document = report_document(report);
  for (Json& picture : document["pictures"]) {
    picture["jpeg"] = "";
    for (Json& scores : picture["scores"]) scores = packed_floats(scores);
  }
  for (Json& site : document["sites"]) {
    for (Json& view : site["models"]) {
      if (view.is_null()) continue;
      for (Json& quantizer : view["quantizers"]) {
        quantizer["noisy_bias"] = packed_codes(quantizer["noisy_bias"]);
        quantizer["channel_scale"] = Json::array();
      }
      for (Json& curve : view["curves"]) {
        curve["ratio"] = packed_even(curve["ratio"]);
        curve["mse"] = packed_floats(curve["mse"]);
      }
    }
  }
  return script_json(document.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

std::string report_to_html(const Report& report) {
  std::string page = head(report) + body(report);
  page += fmt::format("<footer><details><summary>Licence of the charting library</summary><pre>{}</pre></details></footer>\n",
                      html_text(kChartLicenceTxt));
  page += fmt::format("{}{}{}\n", kDataBegin, embedded_data(report), kDataEnd);
  for (const std::string_view script : {kChartMinJs, kChartsJs, kPageJs}) page += fmt::format("<script>{}</script>\n", script);
  return page + "</body>\n</html>\n";
}

}  // namespace nq
