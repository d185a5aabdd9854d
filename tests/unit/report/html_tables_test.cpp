#include "report/html_tables.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "sample_report.hpp"

using namespace nq;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Rows below the headings.
std::size_t rows(const std::string& table) {
  std::size_t found = 0;
  for (std::size_t at = table.find("<th scope=row>"); at != std::string::npos; at = table.find("<th scope=row>", at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("the table of codes counts every value once, several codes a row where there are many") {
  Report report = test::sample_report("name");
  ReportSite& site = report.sites[0];
  REQUIRE(has(codes_table(report, site, 0), "<th scope=row>-2<td>1<td>1"));
  QuantizerView& wide = site.models[1]->quantizers[0];
  wide.code_min = -32;
  wide.codes.assign(64, 3);
  const std::string table = codes_table(report, site, 0);
  REQUIRE(rows(table) == 16);
  REQUIRE(has(table, "<th scope=row>-4 to -1<td>1<td>12"));
  REQUIRE(has(table, "<th scope=row>28 to 31<td>0<td>12"));
  REQUIRE(codes_table(report, site, 1).empty());
}

TEST_CASE("the table of the noisy bias holds its range over groups of channels") {
  Report report = test::sample_report("name");
  ReportSite& site = report.sites[0];
  REQUIRE(has(noise_table(report, site), "<th scope=row>1<td>-0.2"));
  std::vector<float>& noise = site.models[1]->quantizers[0].noisy_bias;
  noise.assign(50, 0.5F);
  noise[4] = -1;
  noise[49] = 2;
  const std::string table = noise_table(report, site);
  REQUIRE(rows(table) == 8);
  REQUIRE(has(table, "<th scope=row>0 to 6<td>-1 to 0.5"));
  REQUIRE(has(table, "<th scope=row>49<td>2"));
  noise.clear();
  REQUIRE(noise_table(report, site).empty());
}

TEST_CASE("the table of a search curve holds the chosen value") {
  Report report = test::sample_report("name");
  ReportSite& site = report.sites[0];
  REQUIRE(has(curve_table(report, site, "activation scale"), "<th scope=row>1<td>0.125<td>0.125"));
  REQUIRE(curve_table(report, site, "noisy bias").empty());
  for (const auto& [from, to, steps] : {std::tuple(0.4, 1.6, 48), {0.0, 2.0, 40}}) {
    LossCurve curve{"noisy bias", 1, {}, {}};
    for (int k = 0; k <= steps; ++k) {
      curve.ratio.push_back(from + (to - from) * k / steps);
      curve.mse.push_back(k);
    }
    site.models[0]->curves = {curve};
    const std::string table = curve_table(report, site, "noisy bias");
    REQUIRE(rows(table) <= 13);
    for (const double kept : {from, 1.0, to}) REQUIRE(has(table, fmt::format("<th scope=row>{:.4g}", kept)));
  }
}

TEST_CASE("both operands of a product have their tables") {
  Report report = test::sample_report("name");
  ReportSite& site = report.sites[0];
  REQUIRE(has(site_tables(report, site), "<caption>Input: values per bin</caption>"));
  site.inputs.push_back({0, 7, {8}});
  QuantizerView right = site.models[0]->quantizers[0];
  right.operand = 1;
  right.input = {0, 7, {8}};
  site.models[0]->quantizers.push_back(right);
  const std::string text = site_tables(report, site);
  for (const char* what : {"Input, left operand: values per bin", "Input, right operand: values per bin",
                           "Quantized values, left operand: values per code", "Quantized values, right operand: values per code"}) {
    INFO(what);
    REQUIRE(has(text, "<caption>" + std::string(what) + "</caption>"));
  }
  REQUIRE(has(text, "<th scope=row>7<td>8<td>8"));
}

TEST_CASE("a layer that a model leaves float is called so") {
  Report report = test::sample_report("name");
  ReportSite& site = report.sites[0];
  site.models[0]->error.quantized = false;
  site.models[0]->error.local_sqnr_db.reset();
  REQUIRE(has(layers_table(report), "<td>float<td>20.50<td>29.25<td>20.50"));
  REQUIRE(has(site_tables(report, site), "<th scope=row>own error, SQNR in dB<td>float<td>29.25"));
}
