#include <catch2/catch.hpp>

#include "nq/error.hpp"
#include "nq/plot.hpp"
#include "report/axis.hpp"
#include "report/report_figures.hpp"
#include "sample_report.hpp"

using namespace nq;

TEST_CASE("ticks are round, within the axis, and told apart by their texts") {
  for (const auto& [low, high] : {std::pair(0.0, 1.0), {-3.7, 12.2}, {0.00012, 0.00019}, {1e6, 9e6}, {5.0, 5.0}}) {
    const Axis axis = linear_axis(low, high, 5);
    REQUIRE(axis.ticks.size() >= 2);
    std::vector<std::string> texts;
    for (const double tick : axis.ticks) {
      REQUIRE(axis.place(tick) >= -1e-9);
      REQUIRE(axis.place(tick) <= 1 + 1e-9);
      const std::string text = tick_text(axis, tick);
      REQUIRE(std::find(texts.begin(), texts.end(), text) == texts.end());
      texts.push_back(text);
    }
  }
  const Axis decades = log_axis(3e-5, 0.4);
  REQUIRE(decades.low == Approx(1e-5));
  REQUIRE(decades.high == Approx(1));
  REQUIRE(decades.place(0) == Approx(0));
  REQUIRE(tick_text(decades, decades.ticks.front()) == "1e-5");
}

TEST_CASE("histograms are drawn as shares that add up to one") {
  const Report report = test::sample_report("name");
  const Figure figure = output_figure(report, report.sites[0], 1, false);
  REQUIRE(figure.series.size() == 2);
  for (const Series& series : figure.series) {
    double sum = 0;
    for (const double share : series.y) sum += share;
    REQUIRE(sum == Approx(1));
  }
  // Shares 4/8, 4/8 against 3/8, 5/8: an eighth apart.
  REQUIRE(figure.marks.size() == 1);
  REQUIRE(figure.marks[0].text == "12 %");
}

TEST_CASE("the highest score of every model has a star") {
  const Report report = test::sample_report("name");
  const Figure figure = scores_figure(report, report.pictures[0]);
  REQUIRE(figure.series.size() == 3);
  REQUIRE(figure.marks.size() == 3);
  REQUIRE(figure.marks[0].x == 0);
  REQUIRE(figure.marks[1].x == 1);
  REQUIRE(figure.marks[1].y == 2);
  REQUIRE(figure.marks[2].x == 0);
}

TEST_CASE("stars stay clear of the axes and an arrow of the distribution's peak") {
  Report report = test::sample_report("name");
  PlotOptions options;
  options.figure = PlotFigure::scores;
  // The first class of three, at the left end: its star reaches no further than the axis at x = 58.
  REQUIRE(plot_svg(report, options).find("<polygon points=\"70,") != std::string::npos);
  options.figure = PlotFigure::site;
  options.site = "0";
  report.sites[0].output = {0, 0, {1, 9, 90}};
  for (auto& view : report.sites[0].models) view->output = {0, 0, {1, 14, 85}};
  REQUIRE(plot_svg(report, options).find("text-anchor=\"start\" font-weight=\"bold\" fill=\"#d66e00\">5 %") != std::string::npos);
  report.sites[0].output = {0, 0, {90, 9, 1}};
  for (auto& view : report.sites[0].models) view->output = {0, 0, {80, 18, 2}};
  REQUIRE(plot_svg(report, options).find("text-anchor=\"end\" font-weight=\"bold\" fill=\"#d66e00\">10 %") != std::string::npos);
}

TEST_CASE("a sketch of bars says their values") {
  const Report report = test::sample_report("name");
  PlotOptions options;
  options.figure = PlotFigure::mse;
  const std::string text = plot_text(report, options);
  REQUIRE(text.find("name1  0.5\n") != std::string::npos);
  REQUIRE(text.find("name2  0.375 (-25 %)\n") != std::string::npos);
}

TEST_CASE("every figure is drawn on every ground, the same each time") {
  const Report report = test::sample_report("<b>&\"");
  for (const PlotFigure figure : {PlotFigure::mse, PlotFigure::scores, PlotFigure::site, PlotFigure::layers, PlotFigure::curve, PlotFigure::noise}) {
    PlotOptions options;
    options.figure = figure;
    const std::string svg = plot_svg(report, options);
    REQUIRE(svg == plot_svg(report, options));
    REQUIRE(svg.find("<b>") == std::string::npos);
    REQUIRE(svg.find("nan") == std::string::npos);
    REQUIRE(plot_png(report, options).substr(1, 3) == "PNG");
    REQUIRE(plot_text(report, options).find("+--") != std::string::npos);
    options.dark = true;
    REQUIRE(plot_svg(report, options) != svg);
  }
}

TEST_CASE("a figure of what the report does not hold is refused") {
  Report report = test::sample_report("name");
  PlotOptions options;
  options.figure = PlotFigure::site;
  options.site = "other";
  REQUIRE_THROWS_AS(plot_svg(report, options), Error);
  options.site = "2";
  REQUIRE_THROWS_AS(plot_svg(report, options), Error);
  options.site = "1";
  REQUIRE_NOTHROW(plot_svg(report, options));
  report.sites.clear();
  REQUIRE_THROWS_AS(plot_svg(report, options), Error);
}
